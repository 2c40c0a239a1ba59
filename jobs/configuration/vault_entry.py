"""Where a domain's random tokens are kept, as domains.yaml says it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError

from jobs.configuration.closed_table_entry import ClosedTableEntry
from jobs.configuration.documents import Document, Fault, Loc
from jobs.configuration.explain import explain
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques.tokenize import VAULT

KEY, EXPORTABLE = "vault", "exportable"
"""Of a domain: the vault's entry. In a record: its id, and beside it what the entry says of exports."""


class VaultEntry(ClosedTableEntry):
    """path: of the Delta table that jobs/tokens.py made. id: that it has. ttl_days: how long after a token was made it
    still leads to its value, and is given to it; for ever if left out. exportable: whether values are kept under the
    key alone too."""

    id: Annotated[str, Field(pattern=VAULT)]
    ttl_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    exportable: bool = False


def has_vault(name: Any) -> bool:
    """Whether the results of a technique, by its name, stand in a vault."""
    return isinstance(name, str) and name in BY_NAME and BY_NAME[name].by_vault


def read(
    parameters: dict[str, Any], document: Document, loc: Loc, faults: list[Fault], of_domain: bool
) -> VaultEntry | None:
    """The vault that a treatment with such a technique states, whose id becomes a parameter; None where it is at
    fault."""
    here = (*loc, KEY)
    if not of_domain:
        name = parameters["technique"]
        faults.append(document.fault(loc, f"{name} has a vault, which only a domain has: name one by {{domain: ...}}"))
    elif not isinstance(parameters.get(KEY), dict):
        got = document.show(here) if KEY in parameters else "nothing"
        faults.append(document.fault(here, f"expected 'path' and 'id' of a vault (jobs/tokens.py create), got {got}"))
    elif EXPORTABLE in parameters:
        faults.append(document.fault((*loc, EXPORTABLE), "is said of the vault: state it below 'vault'"))
    else:
        try:
            entry = VaultEntry.model_validate(parameters[KEY], by_alias=True, by_name=False)
        except ValidationError as error:
            faults += explain(error, document, here, VaultEntry)
            return None
        parameters |= {KEY: entry.id, EXPORTABLE: entry.exportable}
        return entry
    return None
