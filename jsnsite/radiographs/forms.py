"""Forms of the intake. What a file is worth, the service decides."""

from __future__ import annotations

from typing import Any

from django import forms

from jsnsite.radiographs.models import Laterality


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or many files; ``cleaned_data`` holds a list. An empty file is fine here: it gets its own verdict."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files or [None]]


class UploadForm(forms.Form):
    file = ManyFilesField(label="Radiographs (DICOM)", allow_empty_file=True, max_length=None)
    laterality = forms.ChoiceField(
        label="Which hand",
        choices=[("", "side from the file"), (Laterality.RIGHT, "right"), (Laterality.LEFT, "left")],
        required=False,
        widget=forms.RadioSelect,
    )


class SpacingForm(forms.Form):
    pixel_spacing_mm = forms.FloatField(
        help_text="From the detector's data sheet or a calibration object, such as 0.143."
    )


class LateralityForm(forms.Form):
    laterality = forms.ChoiceField(choices=Laterality)
