"""Delta's own transaction, from the look at a target to the commit that replaces it: the one place that knows
Delta's inner interface. Tried with Delta 4.4.0 on Spark 4.2.

The statement ``CREATE OR REPLACE TABLE ... AS TABLE ...`` begins its transaction when it runs, so what another program
committed since the look is overwritten unseen. Here the transaction begins at the look; then the same steps are taken
that Delta's `CreateDeltaTableCommand` takes, the rows are written by Delta's own `WriteIntoDelta`, or by someone else
who hands over the files, and Delta refuses the commit if anything was changed in between. `begin` gives None where this
Delta has other signatures: then the statement serves.
"""

from jobs.lake.delta_commit.catalog_entry import NewTable
from jobs.lake.delta_commit.commit import (
    APPLICATION,
    AddedFile,
    Changed,
    Files,
    Place,
    Unregistered,
    Written,
    mark,
    replace,
)
from jobs.lake.delta_commit.transaction import Transaction, begin, comment_and_properties, is_tried

__all__ = [
    "APPLICATION",
    "AddedFile",
    "Changed",
    "Files",
    "NewTable",
    "Place",
    "Transaction",
    "Unregistered",
    "Written",
    "begin",
    "comment_and_properties",
    "is_tried",
    "mark",
    "replace",
]
