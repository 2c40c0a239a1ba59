"""Delta's own transaction, from the look at a target to the commit that replaces it: the one place that knows
Delta's inner interface. Tried with Delta 4.4.0 on Spark 4.2.

The statement ``CREATE OR REPLACE TABLE ... AS TABLE ...`` begins its transaction when it runs, so what another program
committed since the look is overwritten unseen. Here the transaction begins at the look; then the same steps are taken
that Delta's `CreateDeltaTableCommand` takes, the rows are written by Delta's own `WriteIntoDelta`, or by someone else
who hands over the files, and Delta refuses the commit if anything was changed in between. `begin` gives None where this
Delta has other signatures: then the statement serves.
"""

from jobs.lake.delta_commit.append_rows import append
from jobs.lake.delta_commit.catalog_entry import NewTable
from jobs.lake.delta_commit.files import AddedFile, Files, Place, rows_of_files
from jobs.lake.delta_commit.marks import APPLICATION, BESIDE, Changed, Written, marked
from jobs.lake.delta_commit.partitions import files_where, is_any_inside
from jobs.lake.delta_commit.replace_all import Unregistered, replace
from jobs.lake.delta_commit.replace_files import replace_files
from jobs.lake.delta_commit.rest import Rest
from jobs.lake.delta_commit.rewrite_rows import rewrite, state_properties, withdraw_properties
from jobs.lake.delta_commit.transaction import (
    Kept,
    Transaction,
    begin,
    clustering_columns,
    comment_and_properties,
    commit_digest,
    goes_on_from,
    is_tried,
    kept,
    partition_columns,
    retention,
    schema,
)

__all__ = [
    "APPLICATION",
    "BESIDE",
    "AddedFile",
    "Changed",
    "Files",
    "Kept",
    "NewTable",
    "Place",
    "Rest",
    "Transaction",
    "Unregistered",
    "Written",
    "append",
    "begin",
    "clustering_columns",
    "comment_and_properties",
    "commit_digest",
    "files_where",
    "goes_on_from",
    "is_any_inside",
    "is_tried",
    "kept",
    "marked",
    "partition_columns",
    "replace",
    "replace_files",
    "retention",
    "rewrite",
    "rows_of_files",
    "schema",
    "state_properties",
    "withdraw_properties",
]
