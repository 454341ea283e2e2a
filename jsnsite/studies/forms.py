"""Forms of patients and timepoints. The rules themselves are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from jsnsite.studies.models import Site


class PatientForm(forms.Form):
    code = forms.CharField(
        label=_("Subject code"),
        max_length=64,
        help_text=_("The study's pseudonym. Never a name, initials or a date of birth."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    site = forms.ModelChoiceField(
        label=_("Site"), queryset=Site.objects.none(), empty_label=None, to_field_name="uuid"
    )

    def __init__(self, *args: Any, sites: QuerySet[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = sites
        field.label_from_instance = lambda site: f"{site.code} – {site.name}"


class TimepointForm(forms.Form):
    date = forms.DateField(
        # the browser shows it by locale and sends it by ISO 8601
        label=_("Date of the visit"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    label = forms.CharField(
        label=_("Name of the visit"),
        required=False,
        max_length=64,
        help_text=_("As the protocol calls it, such as “month 12”."),
    )
