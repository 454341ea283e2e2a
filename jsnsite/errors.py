"""Errors that services raise and that a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.formats import localize
from django.utils.translation import gettext, gettext_noop

from jsnsite.language import NEUTRAL

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class DomainError(Exception):
    """A rule of the domain refused this. ``code`` is for programs, ``message`` a sentence in English that says what
    to do, ``str()`` the same in the reader's language.

    ``sentence`` has gaps for ``values`` as ``%(name)s``; a value is itself translated or written by locale.
    """

    http_status = 409

    def __init__(self, code: str, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.values = values

    @property
    def message(self) -> str:
        with translation.override(NEUTRAL):
            return self.sentence % self.values if self.values else self.sentence

    def __str__(self) -> str:
        said = gettext(self.sentence)
        if not self.values:
            return said
        return said % {name: _said(value) for name, value in self.values.items()}


def _said(value: Any) -> str:
    return gettext(value) if isinstance(value, str) and value else str(localize(value))


class NotAllowed(DomainError):
    """The person sees the object but their role does not include this."""

    http_status = 403

    def __init__(
        self, sentence: str = gettext_noop("Your role does not include this. Ask your study's administrator.")
    ) -> None:
        super().__init__("not_allowed", sentence)


class Immutable(DomainError):
    """A row that is written once was about to be changed or deleted."""

    def __init__(self, what: StrOrPromise | None) -> None:
        super().__init__(
            "immutable",
            gettext_noop("%(what)s is kept as it was written; make a new one instead."),
            what=what,
        )
