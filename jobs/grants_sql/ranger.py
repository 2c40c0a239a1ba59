"""Apache Ranger's policies for Hive, in the form that Ranger exports and imports: access, masks and filters of rows.

Never imported into a Ranger. The form is that of its own sources (RangerPolicy, RangerExportPolicyList, the service
definition of Hive). A column is seen as a whole or not at all. Of the items of a policy the first that fits counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from jobs.configuration.config import Config
from jobs.configuration.grants_entry import Ranger, Reads
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import names, sight, spark_views
from jobs.grants_sql.sight import Sight, grants_of
from jobs.grants_sql.sql_text import condition

ACCESS, MASK, ROWS = 0, 1, 2
EVERYBODY = "public"
"""The group that everybody is in."""
WORDS = frozenset("*?{}$\\%")
"""What Ranger takes for a pattern or a variable in the name of a resource."""
Policy = dict[str, Any]


def stated(conf: Config) -> Ranger:
    """Raises `BadUsage` where nothing is said of Ranger."""
    ranger = grants_of(conf).ranger
    if ranger is None:
        raise BadUsage("grants.yaml says nothing of Ranger: state 'ranger', with the name of its service for Hive")
    return ranger


def policies(conf: Config) -> dict[str, Any]:
    """All policies, as one file to import."""
    made = [policy for table in sorted(conf.tables) for policy in _of_table(conf, table)]
    return {"metaDataInfo": {"Exported by": "lakenym, jobs/grants.py"}, "policies": made}


def statements(conf: Config, table: str) -> list[str]:
    """Hive's SQL for the views of counts, which a policy alone cannot make."""
    made = [statement for _, statement in spark_views.of_counts(conf, table, "hive")]
    schema = names.schema(conf, grants_of(conf).databases.views, "hive")
    return [f"CREATE SCHEMA IF NOT EXISTS {schema}", *made] if made else []


def _of_table(conf: Config, table: str) -> Iterator[Policy]:
    for reads in get_args(Reads):
        seen = sight.of_table(conf, table, reads)
        if seen:
            database, name = _checked(names.named(conf, table, reads, "ranger")).split(".")
            yield from _access(conf, database, name, seen)
            yield from _masks(conf, database, name, seen)
            yield from _filters(conf, database, name, seen)
    yield from _counts(conf, table)


def _access(conf: Config, database: str, table: str, seen: Sequence[Sight]) -> Iterator[Policy]:
    """One policy for all roles that see the same columns: Ranger takes one for one resource."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for each in seen:
        asked = list(each.columns) if grants_of(conf).denied == "null" else each.whole_columns
        if asked:
            by_columns.setdefault(tuple(sorted(map(_checked, asked))), []).append(each.name)
    for columns, roles in sorted(by_columns.items()):
        items = [_item(conf, roles)]
        yield _policy(conf, ACCESS, f"{database}.{table} {roles[0]}", database, table, columns, policyItems=items)


def _masks(conf: Config, database: str, table: str, seen: Sequence[Sight]) -> Iterator[Policy]:
    """For each column who sees it; for everybody else it is null, whoever else lets them select from the table."""
    owners = stated(conf).owners
    for name, node in seen[0].columns.items():
        roles = [each.name for each in seen if each.sees_all(node)]
        shown = {**_item(conf, roles, owners), "dataMaskInfo": {"dataMaskType": "MASK_NONE"}}
        hidden = {**_to([EVERYBODY]), "dataMaskInfo": {"dataMaskType": "MASK_NULL"}}
        about = f"{database}.{table} column {name}"
        yield _policy(conf, MASK, about, database, table, (_checked(name),), dataMaskPolicyItems=[shown, hidden])


def _filters(conf: Config, database: str, table: str, seen: Sequence[Sight]) -> Iterator[Policy]:
    """Roles with a filter come first, so that who is in two of them does not see more rows by the other."""
    filtered = [each for each in seen if each.table.name in each.role.rows]
    if not filtered:
        return
    held = [(_item(conf, [each.name]), condition(each.role.rows[each.table.name], None)) for each in filtered]
    others = [each.name for each in seen if each not in filtered]
    all_rows = [(_item(conf, others, stated(conf).owners), "1 = 1"), (_to([EVERYBODY]), "1 = 0")]
    items = [{**to, "rowFilterInfo": {"filterExpr": rows}} for to, rows in (*held, *all_rows)]
    yield _policy(conf, ROWS, f"{database}.{table} rows", database, table, None, rowFilterPolicyItems=items)


def _counts(conf: Config, table: str) -> Iterator[Policy]:
    for name, _ in spark_views.of_counts(conf, table, "hive"):
        database, view = (part.strip("`") for part in name.split("."))
        items = [_item(conf, sight.counted_by(conf, table))]
        yield _policy(conf, ACCESS, f"{database}.{view}", database, view, ("*",), policyItems=items)


def _item(conf: Config, roles: Sequence[str], *more: str) -> dict[str, Any]:
    return _to([*more, *(group for role in roles for group in grants_of(conf).groups_of(role))])


def _to(groups: Sequence[str]) -> dict[str, Any]:
    select = [{"type": "select", "isAllowed": True}]
    return {"accesses": select, "users": [], "groups": sorted(set(groups)), "roles": [], "delegateAdmin": False}


def _policy(
    conf: Config, kind: int, about: str, database: str, table: str, columns: Sequence[str] | None, **items: Any
) -> Policy:
    told = {"database": [database], "table": [table], **({} if columns is None else {"column": list(columns)})}
    resources = {name: {"values": each, "isExcludes": False, "isRecursive": False} for name, each in told.items()}
    none = ("policyItems", "denyPolicyItems", "allowExceptions", "denyExceptions", "dataMaskPolicyItems")
    return {
        "service": stated(conf).service,
        "serviceType": "hive",
        "name": f"lakenym {('access', 'masks', 'rows')[kind]} {about}",
        "description": "Made by jobs/grants.py from grants.yaml",
        "policyType": kind,
        "policyPriority": 0,
        "policyLabels": ["lakenym"],
        "isEnabled": True,
        "isAuditEnabled": True,
        "resources": resources,
        **{name: [] for name in (*none, "rowFilterPolicyItems")},
        **items,
    }


def _checked(name: str) -> str:
    if WORDS & set(name) or not name.isprintable():
        raise BadUsage(f"{name}: Ranger would take some of this name for a pattern: rename it, or take views")
    return name
