"""A reader's verdict as it comes from the joint page, and how patients are shared between readers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jsnsite.accounts.models import User
from jsnsite.reviews.assigning import MOST_PER_PATIENT
from jsnsite.reviews.models import ReadVerdict, ReasonCode


class ReadForm(forms.Form):
    verdict = forms.ChoiceField(choices=ReadVerdict)
    reason_code = forms.ChoiceField(choices=[("", ""), *ReasonCode.choices], required=False)
    comment = forms.CharField(required=False, max_length=2000)


class ShareForm(forms.Form):
    """Whom the study's patients are shared between. ``readers``: who may be chosen."""

    readers = forms.MultipleChoiceField(label=_("Readers"), widget=forms.CheckboxSelectMultiple)
    per_patient = forms.IntegerField(
        label=_("Readers for each patient"), min_value=1, max_value=MOST_PER_PATIENT, initial=1
    )

    def __init__(self, *args: Any, readers: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._readers = {str(reader.uuid): reader for reader in readers}
        field: Any = self.fields["readers"]
        field.choices = [(uuid, str(reader)) for uuid, reader in self._readers.items()]

    def clean_readers(self) -> list[User]:
        return [self._readers[uuid] for uuid in self.cleaned_data["readers"]]
