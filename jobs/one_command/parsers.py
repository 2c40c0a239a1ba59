"""The parser of a verb without the verb: helps and wrong flags are answered before Spark is loaded.

A verb's file imports all that its work needs. Its function ``parser`` needs little of it: the flags, the docstring,
some constants. So that part alone is carried out: the statements that bind what ``parser`` reads, and what these read.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.one_command import verbs

PARSER = "parser"


def of(verb: str) -> argparse.ArgumentParser:
    """What the verb's own ``parser()`` gives."""
    path = verbs.files()[verb]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[str, Any] = {"__name__": verbs.module(verb), "__doc__": ast.get_docstring(tree, clean=False)}
    part = ast.Module([*_future(), *needed(tree.body, PARSER)], [])
    exec(compile(part, str(path), "exec"), named)  # noqa: S102 - a file of this package
    made: argparse.ArgumentParser = named[PARSER]()
    return made


def _future() -> list[ast.stmt]:
    return ast.parse("from __future__ import annotations").body


def needed(body: Sequence[ast.stmt], name: str) -> list[ast.stmt]:
    """The statements, in their order, that bind a name of a module, and those that bind what they read. Of an import
    only what is read of it."""
    names, before = {name}, set[str]()
    while names != before:
        before = set(names)
        names |= {each for statement in body if _binds(statement) & names for each in _reads(statement)}
    return [_part(statement, names) for statement in body if _binds(statement) & names]


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a statement gives to a module."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {_bound(alias) for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _reads(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement reads when it is carried out, or when what it defines is called: no annotations."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name):
            yield node.id
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                nodes += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST)]


def _part(statement: ast.stmt, names: set[str]) -> ast.stmt:
    if isinstance(statement, ast.ImportFrom):
        listed = [alias for alias in statement.names if _bound(alias) in names]
        return ast.copy_location(ast.ImportFrom(statement.module, listed, statement.level), statement)
    return statement
