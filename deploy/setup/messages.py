"""Translations: ``python -m deploy.setup.messages refresh`` brings every .po file up to what the sources say,
``compile`` writes the .mo files that Django reads. Both take Babel, so no machine needs GNU gettext.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parents[2]
LOCALE = PROJECT / "jsnsite" / "locale"
#: The page of the design system is for those who make pages.
UNTRANSLATED = ("frontend/templates/design.html",)
TEMPLATES = ("frontend/templates/**/*.html", "jsnsite/*/templates/**/*.html")
PYTHON = ("jsnsite/**/*.py",)
#: Where the text stands among a call's arguments. Errors of the domain are sentences; pages translate them when shown.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "DomainError": (2,),
    "NotAllowed": (1,),
    "DicomRejected": (2,),
    "fail_radiograph": (3,),
    "fail_run": (3,),
}
_GAP = re.compile(r"%\(\w+\)[a-z]|%%|{[^}]*}|</?[a-z][^>]*>")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def template_catalog() -> Catalog:
    """Every text of templates and Python that is marked for translation, with the files that it stands in."""
    catalog = Catalog(project="JSN", charset="utf-8", fuzzy=False)
    for path in _sources(*TEMPLATES):
        # what templatize leaves is near to Python, but for its indentation
        _add(catalog, path, _INDENT.sub("", templatize(path.read_text(), origin=str(path))))
    for path in _sources(*PYTHON):
        _add(catalog, path, path.read_text())
    return catalog


def po_files() -> list[Path]:
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def complaints(catalog: Catalog, template: Catalog) -> list[str]:
    """What is wrong with a translation of ``template``: texts missing, left over, not translated or fuzzy, and gaps
    that the translation loses or makes up.
    """
    wanted = {_key(message) for message in template if message.id}
    found = {_key(message): message for message in catalog if message.id}
    said = [f"missing: {key}" for key in wanted - found.keys()]
    said += [f"nobody says it any more: {key}" for key in found.keys() - wanted]
    for key, message in found.items():
        if message.fuzzy or not all(_forms(message.string)):
            said.append(f"not translated: {key}")
        elif not all(
            _gaps(form) in [_gaps(text) for text in _forms(message.id)] for form in _forms(message.string)
        ):
            said.append(f"other gaps: {key}")
    return sorted(said)


def _key(message: Message) -> str:
    return f"{message.context or ''}|{_forms(message.id)[0]}"


def _forms(text: str | Sequence[str] | None) -> Sequence[str]:
    return text if isinstance(text, list | tuple) else [str(text or "")]


def _gaps(text: str) -> list[str]:
    return sorted(_GAP.findall(text))


def refresh() -> None:
    """New texts come in without a translation, those that are gone go."""
    template = template_catalog()
    for path in po_files():
        catalog = read(path)
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
        catalog.revision_date = catalog.creation_date
        written = BytesIO()
        write_po(written, catalog, width=110, include_lineno=False)
        path.write_bytes(written.getvalue())


def compile_all() -> None:
    for path in po_files():
        compiled = BytesIO()
        write_mo(compiled, read(path))
        path.with_suffix(".mo").write_bytes(compiled.getvalue())


def _sources(*patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(PROJECT.glob(pattern)):
            if path.relative_to(PROJECT).as_posix() not in UNTRANSLATED and "migrations" not in path.parts:
                yield path


def _add(catalog: Catalog, path: Path, source: str) -> None:
    found = extract("python", BytesIO(source.encode()), keywords=KEYWORDS, options={"encoding": "utf-8"})
    for line, text, _comments, context in found:
        if text:
            catalog.add(text, locations=[(path.relative_to(PROJECT).as_posix(), line)], context=context)


def main() -> int:
    """Command line."""
    actions = {"refresh": refresh, "compile": compile_all}
    for name in sys.argv[1:]:
        actions[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
