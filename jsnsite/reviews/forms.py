"""A reader's verdict as it comes from the joint page."""

from __future__ import annotations

from django import forms

from jsnsite.reviews.models import ReadVerdict, ReasonCode


class ReadForm(forms.Form):
    verdict = forms.ChoiceField(choices=ReadVerdict)
    reason_code = forms.ChoiceField(choices=[("", ""), *ReasonCode.choices], required=False)
    comment = forms.CharField(required=False, max_length=2000)
