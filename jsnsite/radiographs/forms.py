"""Forms of the intake. What a file is worth, the service decides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jsnsite.radiographs.corrections import ENTERED_SOURCES
from jsnsite.radiographs.dicom import BOTH
from jsnsite.radiographs.models import Bone, Laterality, SpacingSource


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or many files; ``cleaned_data`` holds a list. An empty file is fine here: it gets its own verdict."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files or [None]]


class UploadForm(forms.Form):
    file = ManyFilesField(label=_("Radiographs (DICOM)"), allow_empty_file=True, max_length=None)
    laterality = forms.ChoiceField(
        label=_("Which hand"),
        choices=[
            ("", _("side from the file")),
            (Laterality.RIGHT, _("right")),
            (Laterality.LEFT, _("left")),
            (BOTH, _("both")),
        ],
        required=False,
        widget=forms.RadioSelect,
    )


class SpacingForm(forms.Form):
    pixel_spacing_mm = forms.FloatField(
        help_text=_("From the detector's data sheet or a calibration object, such as 0.143.")
    )
    source = forms.ChoiceField(choices=[(source, source.label) for source in ENTERED_SOURCES], required=False)
    note = forms.CharField(max_length=200, required=False)

    def clean_source(self) -> str:
        """The page of a visit asks for the number alone."""
        return self.cleaned_data["source"] or SpacingSource.ENTERED


class LateralityForm(forms.Form):
    laterality = forms.ChoiceField(choices=Laterality)


class SideForm(forms.Form):
    swap = forms.BooleanField(required=False)


class PlaceForm(forms.Form):
    """Where a joint is: centre in film pixels, direction of the distal bone, side of the square region."""

    x_px = forms.FloatField()
    y_px = forms.FloatField()
    angle_deg = forms.FloatField()
    size_mm = forms.FloatField()
    version = forms.IntegerField(min_value=0)


class MasksForm(forms.Form):
    of = forms.UUIDField()


class OutlineForm(forms.Form):
    """A bone's outline: ``polygon`` is JSON, [[x, y], …] in film pixels, or [] to give it back to the model."""

    bone = forms.ChoiceField(choices=Bone)
    polygon = forms.JSONField(required=False)
    annotation = forms.IntegerField(min_value=1)
    version = forms.IntegerField(min_value=0)

    def clean_polygon(self) -> list[list[float]]:
        polygon = self.cleaned_data["polygon"] or []
        if not isinstance(polygon, list) or not all(map(_is_point, polygon)):
            raise forms.ValidationError(_("This is not a polygon."))
        return polygon


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
    )
