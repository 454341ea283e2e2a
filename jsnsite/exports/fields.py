"""Fields that every serializer words alike: ``*_code`` is a code, ``*_uuid`` a public id, ``uuid`` the row's own."""

from __future__ import annotations

from rest_framework import serializers


def code_of(source: str, help_text: str = "") -> serializers.CharField:
    """The code of the study, site or patient that ``source`` (dotted) leads to."""
    return serializers.CharField(source=f"{source}.code", read_only=True, help_text=help_text)


def uuid_of(source: str, *, nullable: bool = False, help_text: str = "") -> serializers.UUIDField:
    """The public id of what ``source`` (dotted) leads to."""
    return serializers.UUIDField(
        source=f"{source}.uuid", read_only=True, allow_null=nullable, help_text=help_text
    )
