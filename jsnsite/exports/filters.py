"""Filters of lists. What is not understood is refused: a mistyped filter must not return everything."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

#: Parameters of every list that are no filters.
RESERVED = {"cursor", "page_size", "format"}


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter's backend that answers 400 to a parameter it does not know, or that is empty or given
    twice.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filters = view.filterset_class.base_filters
        errors = {}
        for name, values in request.query_params.lists():
            if name not in filters and name not in RESERVED:
                errors[name] = [f"Unknown parameter. Known here: {', '.join(sorted({*filters, *RESERVED}))}."]
            elif not all(values):
                errors[name] = ["Give a value, or leave the parameter out."]
            elif len(values) > 1 and not isinstance(filters.get(name), django_filters.MultipleChoiceFilter):
                errors[name] = ["Give this parameter once."]
        if errors:
            raise ValidationError(errors)
        return super().filter_queryset(request, queryset, view)  # type: ignore[no-any-return]


class CodeOrUuidFilter(django_filters.CharFilter):
    """A study, site or patient by its code or its uuid; ``field_name`` leads to it."""

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return queryset
        prefix = f"{self.field_name}__" if self.field_name else ""
        try:
            return queryset.filter(**{f"{prefix}uuid": UUID(value)})
        except ValueError:
            return queryset.filter(**{f"{prefix}code": value})


class YesNoFilter(django_filters.TypedChoiceFilter):
    """``true`` or ``false``, nothing else."""

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=choices, coerce=lambda value: value == "true", label=label, **kwargs)
        extend_schema_field({"type": "boolean", "description": label})(self)


class OrdinalFilter(django_filters.NumberFilter):
    """A timepoint's ordinal: 0 for the baseline, then 1, 2, …"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=0, max_value=32767, decimal_places=0, **kwargs)


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """One of the named values; give the parameter again for each further one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, help_text=kwargs.pop("help_text", "May be given several times."), **kwargs)
