"""Forms of the profile."""

from django import forms


class TokenForm(forms.Form):
    name = forms.CharField(
        label="What will use it",
        max_length=80,
        help_text="Such as “monthly statistics script”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
