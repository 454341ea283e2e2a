"""Whatever a person reads can be translated, and is: the sources are held against the catalogues."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.utils import translation

from deploy.setup import messages
from jsnsite.pages.sentences import sentence
from tests.jsnsite.unmarked import (
    choices_in_module,
    literals_in_script,
    sentences_of,
    translated_on_import,
    unmarked_in_module,
    unmarked_in_template,
)

PROJECT = messages.PROJECT
TEMPLATES = [
    path
    for pattern in messages.TEMPLATES
    for path in sorted(PROJECT.glob(pattern))
    if path.relative_to(PROJECT).as_posix() not in messages.UNTRANSLATED
]
SCRIPTS = sorted((PROJECT / "frontend" / "src").rglob("*.ts"))
MODULES = [
    path
    for path in sorted((PROJECT / "jsnsite").rglob("*.py"))
    if "migrations" not in path.parts and path.name != "design.py"
]


@pytest.fixture(scope="module")
def template() -> Catalog:
    return messages.template_catalog()


@pytest.fixture(params=messages.po_files(), ids=lambda path: path.parents[1].name)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    return messages.read(request.param)


def test_every_text_is_translated_with_its_gaps(catalog: Catalog, template: Catalog) -> None:
    assert messages.complaints(catalog, template) == []  # `make messages` brings the catalogues up to date


@pytest.mark.parametrize("path", messages.po_files(), ids=lambda path: path.parents[1].name)
def test_what_django_reads_is_what_is_written(path: Path) -> None:
    expected = BytesIO()
    write_mo(expected, messages.read(path))
    assert path.with_suffix(".mo").read_bytes() == expected.getvalue()  # `make` compiles it


def test_what_is_missing_empty_fuzzy_or_loses_a_gap_is_found(template: Catalog) -> None:
    said, broken = Catalog(locale="de"), Catalog(locale="de")
    for catalog in (said, broken):
        catalog.add("kept", "behalten")
    said.add("%(n)s films", "", locations=[("a.html", 1)])
    said.add("new", "")
    said.add(("one", "%(n)s many"), ("", ""))
    said.add("half", "")
    said.add("empty", "")
    broken.add("%(n)s films", "Aufnahmen")
    broken.add(("one", "%(n)s many"), ("eins", "%(m)s viele"))
    broken.add("half", "halb", flags={"fuzzy"})
    broken.add("empty", "")
    broken.add("gone", "fort")
    assert messages.complaints(broken, said) == [
        "missing: |new",
        "nobody says it any more: |gone",
        "not translated: |empty",
        "not translated: |half",
        "other gaps: |%(n)s films",
        "other gaps: |one",
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_marked(path: Path) -> None:
    assert list(unmarked_in_template(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Three films</p>", ["Three films"]),
        ('<nav aria-label="Films of this hand">{% translate "ok" %}</nav>', ["Films of this hand"]),
        ('{% include "_error.html" with title="Not here" %}', ["Not here"]),
        ("<p>{% translate 'Three films' %} {{ n }} mm</p>", []),
        ("{% blocktranslate count n=n %}one film{% plural %}{{ n }} films{% endblocktranslate %}", []),
        ('<script src="a.js">let words = 1</script>{# a note #}<kbd>Esc</kbd>', []),
    ],
)
def test_text_that_is_not_marked_is_found(source: str, found: list[str]) -> None:
    assert list(unmarked_in_template(source)) == found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_gets_its_words_from_the_page(path: Path) -> None:
    assert list(literals_in_script(path.read_text())) == []


def test_words_in_a_script_are_found() -> None:
    source = """
    note.textContent = "Waiting";
    bar.setAttribute("aria-label", `Upload of ${name}`);
    failed("The server refuses files of this size.");
    throw new Error("the viewer lacks its parts"); // The programmer reads this
    if (event.key === "ArrowDown") say(words.corner ?? "");
    """
    assert list(literals_in_script(source)) == [
        "Waiting",
        "Upload of ${name}",
        "The server refuses files of this size.",
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_messages_and_refusals_can_be_translated(path: Path) -> None:
    """A refusal's gaps are values beside its sentence, not put into it; a message to a person is marked."""
    source = path.read_text()
    assert list(unmarked_in_module(source)) == []
    assert list(choices_in_module(source)) == []
    assert list(translated_on_import(source)) == []


def test_a_message_that_is_not_marked_is_found() -> None:
    source = """
raise DomainError("roi_size", f"It is {low} mm wide.")
raise DomainError("roi_size", "It is %(low)s mm wide.", low=8)
messages.success(request, "Saved.")
messages.success(request, _("Saved."))
forms.CharField(label="Name", help_text=_("No names."))
"""
    assert list(unmarked_in_module(source)) == [2, 4, 6]


def test_words_that_are_never_or_always_translated_are_found() -> None:
    source = """
from django.utils.translation import gettext as _
class Side(models.TextChoices):
    LEFT = "L", "left"
    RIGHT = "R", lazy("right")
    PLAIN = "plain", "PixelSpacing"
WORDS = {"a": _("always")}
def said():
    return _("when asked")
"""
    assert list(choices_in_module(source)) == ["left"]
    assert list(translated_on_import(source)) == [7]


@pytest.mark.parametrize("module", ["jsnsite/radiographs/dicom.py", "workers/tasks/failures.py"])
def test_stored_sentences_of_modules_that_know_no_translation_are_recognised(module: str) -> None:
    with translation.override("de"):
        english = [text for text in sentences_of((PROJECT / module).read_text()) if sentence(text) == text]
    assert english == []


def test_a_stored_sentence_is_shown_with_its_gaps_in_the_readers_language() -> None:
    stored = "Filed as left hand, but the image looks like a right hand. Say which hand it is, or replace the film."
    spacing = "The file says 0.0012 mm per pixel, which cannot be right. Enter the pixel spacing."
    nested = (
        "The stored film can not be read: The image is blank. Export the radiograph again. Upload it again."
    )
    with translation.override("de"):
        assert sentence(stored).startswith(
            "Abgelegt als Hand links, aber das Bild sieht nach Hand rechts aus."
        )
        assert "0,0012 mm" in sentence(spacing)
        assert "Das Bild ist leer." in sentence(nested)
        assert sentence("Words that nobody knows.") == "Words that nobody knows."
    assert sentence(stored) == stored
