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
    """A transfer to a third country or an international organisation, Art. 30(1)(e). safeguard: what it rests on."""

    to: NotBlank
    safeguard: NotBlank


class Processing(Entry):
    """Of one table, Art. 30(1)(b) to (g). legal_basis: not asked for there, and often kept beside it. measures: those
    that no entry and no policy states, such as who may enter."""

    purposes: Names | None = None
    legal_basis: NotBlank | None = None
    data_subjects: Names | None = None
    data_categories: Names | None = None
    recipients: Names | None = None
    transfers: Annotated[tuple[Transfer, ...], Field(strict=False)] | None = None
    measures: Names | None = None

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
