"""What a role sees: which tables, in the source or in the target, and which columns of them."""

from __future__ import annotations

import dataclasses

from jobs.configuration.config import Config
from jobs.configuration.grants_entry import Grants, Reads, Role
from jobs.configuration.models import TableConfig
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import leaves
from jobs.grants_sql.leaves import Leaf, Node


def grants_of(conf: Config) -> Grants:
    """Raises `BadUsage` where the configuration says nothing of who sees what."""
    if conf.grants is None:
        raise BadUsage("the configuration has no grants.yaml, which says who sees what (docs/grants.md)")
    return conf.grants


DIRECT = "direct_identifier"


@dataclasses.dataclass(frozen=True)
class Sight:
    """A table as one role sees it, in its source or its target."""

    name: str
    role: Role
    table: TableConfig

    @property
    def reads(self) -> Reads:
        return self.role.reads

    def sees(self, leaf: Leaf) -> bool:
        """Whether the role sees a column: all classes of what stands in it."""
        return all(self._sees(class_, leaf) for class_ in leaf.classes)

    def _sees(self, class_: str, leaf: Leaf) -> bool:
        """Clear is the source's value: in the target only of columns that are kept as they are. What identifies and is
        left as it is, is no pseudonym."""
        said = self.role.of(class_)
        if said == "pseudonym":
            return not (class_ == DIRECT and class_ in leaf.raw)
        return said == "clear" and leaf.kept

    def sees_all(self, node: Node) -> bool:
        return all(map(self.sees, node.leaves))

    @property
    def columns(self) -> dict[str, Node]:
        """All of the table, whether or not the role sees them."""
        return leaves.tree(leaves.of(self.table, self.reads))

    @property
    def whole_columns(self) -> list[str]:
        """The columns of which it sees everything."""
        return [name for name, node in self.columns.items() if self.sees_all(node)]

    @property
    def sees_something(self) -> bool:
        return any(map(self.sees, leaves.of(self.table, self.reads)))


def of_role(conf: Config, name: str) -> list[Sight]:
    """The tables that a role may see, in order. A target that is made for somebody is for these roles alone, and these
    see no other."""
    role = grants_of(conf).roles[name]
    tables = [conf.tables[table] for table in sorted(conf.tables) if role.tables is None or table in role.tables]
    return [Sight(name, role, each) for each in tables if role.reads == "source" or each.made_for == role.made_for]


def of_table(conf: Config, table: str, reads: Reads) -> list[Sight]:
    """The roles that see something of a table's source, or of its target, in order."""
    every = (sight for name in sorted(grants_of(conf).roles) for sight in of_role(conf, name))
    return [sight for sight in every if sight.table.name == table and sight.reads == reads and sight.sees_something]


def counted_by(conf: Config, table: str) -> list[str]:
    """The roles that see counts of a table, in order. Counts are of the target, whatever else the role reads."""
    entry = conf.tables[table]
    found = [(name, role) for name, role in sorted(grants_of(conf).roles.items()) if role.counts]
    asked = [(name, role) for name, role in found if role.tables is None or table in role.tables]
    return [name for name, role in asked if role.made_for == entry.made_for]
