"""Forms of the profile."""

from django import forms
from django.utils.translation import gettext_lazy as _


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("What will use it"),
        max_length=80,
        help_text=_("Such as “monthly statistics script”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
