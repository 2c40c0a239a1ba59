"""The files of a configuration as it begins: each made whole, none ever written over."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.configuration import yaml_writer
from jobs.configuration.config_files import CATALOG, DOMAINS, KEYS, POLICY
from jobs.console import file_errors, whole_files
from jobs.console.exit_codes import BadUsage
from jobs.gates.known import today

TEMPLATES = Path(__file__).parent / "templates"
IGNORED = "# Keys are in no version control.\n*\n"


class Begun:
    """The folder of a configuration. made, stood: files by their path below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[str] = []
        self.stood: list[str] = []

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def create(self, name: str, text: str) -> bool:
        """Whether it was made; a file that stands there stays as it is. Raises `BadUsage` where it cannot be made."""
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_files.create(path, text)
        except FileExistsError:
            self.stood.append(name)
            return False
        except OSError as error:
            raise BadUsage(f"{path} cannot be written: {file_errors.why(error)}") from None
        self.made.append(name)
        return True

    def policy(self) -> bool:
        return self.create(POLICY, _template(POLICY).replace("VERSION", today().strftime("%Y-%m"), 1))

    def domains(self, found: Mapping[str, Any]) -> bool:
        return self.create(DOMAINS, _template(DOMAINS) + entries(found))

    def keys(self, name: str, keyset: str, kek: str | None, version: int, made: datetime.date) -> bool:
        entry = {"keyset": keyset, **({"kek": kek} if kek else {}), "created": {str(version): str(made)}}
        return self.create(KEYS, _template(KEYS) + entries({name: entry}))

    def schemas(self, schemas: Mapping[str, str]) -> None:
        """For editors; one line tells of them all."""
        standing = [name for name in schemas if self.has(f"schema/{name}")]
        if not standing:
            for name, text in schemas.items():
                self.create(f"schema/{name}", text)
            self.made = [name for name in self.made if not name.startswith("schema/")] + ["schema/"]
        else:
            self.stood.append("schema/")

    def catalog(self, file: str, text: str) -> bool:
        return self.create(f"{CATALOG}/{file}", text)


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def entries(found: Mapping[str, Any]) -> str:
    """Named entries as YAML; a mapping of none where there are none yet."""
    escaped = {name: _escaped(value) for name, value in found.items()}
    return yaml_writer.dump(escaped) if found else "{}\n"


def _escaped(value: Any) -> Any:
    """``${`` in texts is that, and no variable."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    return value.replace("${", "$${") if isinstance(value, str) else value
