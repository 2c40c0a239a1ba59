"""What the models of the configuration's files share: their base, and the types of the texts in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from jobs.configuration.documents import NAME_PATTERN, did_you_mean, one_of
from privacy_udfs.techniques import BY_NAME

NOT_BLANK = r"\S"
TABLE_PATTERN = r"^\w[\w.-]*$"
URI_PATTERN = r"^[a-z][a-z0-9+-]+:[^\s]+$"
KEY_ID_PATTERN = r"^[1-9][0-9]{0,9}$"
VERSION_PATTERN = r"^[0-9]+(\.[0-9]+)*$"
RETENTION_PATTERN = r"^[1-9][0-9]* (day|month|year)s?$"
PATTERNS = {
    NOT_BLANK: "text that is not blank",
    NAME_PATTERN: "a name of letters, digits, '_', '-' and '.'",
    TABLE_PATTERN: "a table's name, such as crm.customers",
    URI_PATTERN: "a URI such as 'file:keys/crm.json', and never key material itself",
    KEY_ID_PATTERN: "the id of a key's version, such as '1712345678', in quotes",
    VERSION_PATTERN: "a version such as '44' or '2.1', in quotes",
    RETENTION_PATTERN: "a span such as '90 days', '18 months' or '7 years'",
}
"""What the patterns ask for, in words for messages."""

Class = Literal["direct_identifier", "quasi_identifier", "sensitive", "non_personal"]
UNDECIDED = "undecided"
"""What a draft says where nothing is proposed. It is refused for as long as it stands there."""
ASK = f"{UNDECIDED}: a person must decide"


def _decided(value: Any) -> Any:
    if value == UNDECIDED:
        raise ValueError(f"{ASK}, and name the class")
    return value


DecidedClass = Annotated[Class, BeforeValidator(_decided)]

NotBlank = Annotated[str, Field(pattern=NOT_BLANK)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Uri = Annotated[str, Field(pattern=URI_PATTERN)]
KeyId = Annotated[str, Field(pattern=KEY_ID_PATTERN)]
Version = Annotated[str, Field(pattern=VERSION_PATTERN)]
Retention = Annotated[str, Field(pattern=RETENTION_PATTERN)]
Predicate = Annotated[
    str,
    Field(pattern=NOT_BLANK, description="A Spark SQL condition over the source's columns; null counts as not true."),
]
Names = Annotated[tuple[NotBlank, ...], Field(strict=False)]


def _technique_name(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(no_technique(name))
    return name


def no_technique(name: str) -> str:
    """What to say of a name that is no technique's."""
    return f"no technique is called {name!r}{did_you_mean(name, BY_NAME) or f'; expected {one_of(BY_NAME)}'}"


def one_of_those(names: Callable[[], Iterable[str]]) -> Any:
    """For the JSON Schema: the names that there are when it is made."""
    return Field(json_schema_extra=lambda schema: schema.update(enum=list(names())))


TechniqueName = Annotated[str, AfterValidator(_technique_name), one_of_those(lambda: BY_NAME)]


class Entry(BaseModel):
    """What stands in a file: nothing is converted, and no key is unknown."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )
