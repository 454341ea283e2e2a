"""Sentences that are kept in the database, shown in the reader's language.

What becomes of a file or a run is stored in English: the record, REST and exports have one wording, whoever looks.
Pages translate when they show it. Sentences with gaps are recognised by their pattern.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from jsnsite.pages.words import as_written

#: Of modules that know no Django (``radiographs.dicom``), of workers, and all that have gaps.
STORED = (
    _("Accepted."),
    _("The file says it shows another part of the body. Check the radiograph."),
    _("The file says that text is burned into the image. Check that it shows no name or date."),
    _("The models did not answer. Have the inference server looked at, then retry."),
    _("The stored film is missing. Tell the administrator, or upload it again."),
    _("The machine ran out of memory. Retry, or tell the administrator."),
    _("both hands"),
    _("left hand"),
    _("right hand"),
    _("The file is larger than %(size)s MB. Export the single radiograph."),
    _("The image has %(columns)s x %(rows)s pixels, over %(limit)s million. Make it smaller."),
    _("The file says %(spacing)s mm per pixel, which cannot be right. Enter the pixel spacing."),
    _("Filed as %(chosen)s, but it says %(found)s. File it as that, or have the file corrected."),
    _(
        "Filed as %(filed)s hand, but the image looks like a %(found)s hand. Say which hand it is, or replace the "
        "film."
    ),
    _(
        "This image is in the study already: %(patient)s at %(visit)s, %(side)s hand. If it shows both hands, upload "
        "it as both."
    ),
    _(
        "This image is in the study already: %(patient)s at %(visit)s, %(side)s hand. Check that you chose the right "
        "file."
    ),
    _("The models refused: %(reason)s"),
    _(
        "The computation took longer than %(seconds)s s. Retry when the machine is less busy, or tell the "
        "administrator."
    ),
    _("The stored film can not be read: %(reason)s Upload it again."),
    _(
        "The computation stopped with an unexpected error (%(kind)s). Tell the administrator; the log has the "
        "details."
    ),
)
#: Gaps that hold words of ours; the others hold numbers, and names that people have given.
PHRASES = ("chosen", "filed", "found", "reason", "side")
_GAP = re.compile(r"%\((\w+)\)s")


def sentence(stored: str) -> str:
    """A stored sentence in the reader's language; as it is stored where nobody has translated it."""
    if not stored:
        return ""
    for template, pattern in _patterns():
        if found := pattern.fullmatch(stored):
            return gettext(template) % {
                name: _value(name, value) for name, value in found.groupdict().items()
            }
    return gettext(stored)


def _value(name: str, value: str) -> str:
    if name == "spacing":
        return as_written(value)
    return sentence(value) if name in PHRASES else value


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(text, _pattern(text)) for text in STORED if _GAP.search(text)]


def _pattern(text: str) -> re.Pattern[str]:
    pieces = _GAP.split(text)  # text, name, text, ...
    return re.compile(
        "".join(f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)),
        re.DOTALL,
    )
