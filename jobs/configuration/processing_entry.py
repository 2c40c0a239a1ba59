"""What the record of processing (GDPR, Art. 30(1)) needs besides: of a table in its entry, of the controller in
``controller.yaml``. All of it may be left out; a list that is empty says that there is none.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from jobs.configuration.entry import Entry, Names, NotBlank


class Contact(Entry):
    """A body or a person, and how to reach them."""

    name: NotBlank
    contact: NotBlank


Contacts = Annotated[tuple[Contact, ...], Field(strict=False)]


class Controller(Entry):
    """Who answers for the processing, Art. 30(1)(a)."""

    controller: Contact
    joint_controllers: Contacts | None = None
    representative: Contact | None = None
    data_protection_officer: Contact | None = None


class Transfer(Entry):
    """A transfer to a third country or an international organisation, Art. 30(1)(e)."""

    to: NotBlank
    """The country or organisation."""
    safeguard: NotBlank
    """What the transfer rests on."""


class Processing(Entry):
    """What the record of processing (GDPR) tells of one table, Art. 30(1)(b) to (g)."""

    purposes: Names | None = None
    """What the table is for."""
    legal_basis: NotBlank | None = None
    """Not asked for in Art. 30, and often kept beside it."""
    data_subjects: Names | None = None
    """Whose data it is: customers, patients."""
    data_categories: Names | None = None
    """Which kinds of data; left out: what the columns' entries tell."""
    recipients: Names | None = None
    """Who is given the data."""
    transfers: Annotated[tuple[Transfer, ...], Field(strict=False)] | None = None
    """Where it goes beyond the countries of the law."""
    measures: Names | None = None
    """Those that no entry and no policy states, such as who may enter."""

    @field_validator("purposes", "data_subjects")
    @classmethod
    def _has_some(cls, given: Names | None) -> Names | None:
        if given == ():
            raise ValueError("expected at least one, or the key left out: no processing is without it")
        return given

    @field_validator("purposes", "data_subjects", "data_categories", "recipients", "measures")
    @classmethod
    def _each_once(cls, given: Names | None) -> Names | None:
        if given is not None and len(set(given)) < len(given):
            raise ValueError("expected each once")
        return given
