"""Filters of the worklist; they live in the address, and their choices show nothing out of scope."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import django_filters
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jsnsite.measurements.models import CurrentMeasurement, Reliability
from jsnsite.pages.words import REASONS
from jsnsite.reviews import queries
from jsnsite.scoping import Action
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Site

#: ``?status=``, which ``worklist.Worklist`` looks at; without it, what is still to read.
STATUSES = (
    ("accepted", _("Accepted by me")),
    ("flagged", _("Flagged by me")),
    ("all", _("All")),
)
ANY = "any"


def readable_sites(request: HttpRequest | None) -> QuerySet[Site]:
    return Site.objects.restrict(request.user if request else None, Action.READ).select_related("study")


class WorklistFilter(django_filters.FilterSet):
    whose = django_filters.ChoiceFilter(
        choices=[("all", _("All that I may read"))],
        label=_("Patients"),
        empty_label=_("Assigned to me"),
        method="whatever",
    )
    site = django_filters.ModelChoiceFilter(
        field_name="followup__timepoint__patient__site",
        queryset=readable_sites,
        to_field_name="uuid",
        label=_("Site"),
        empty_label=_("All sites"),
    )
    patient = django_filters.CharFilter(
        field_name="followup__timepoint__patient__code", lookup_expr="icontains", label=_("Patient")
    )
    joint = django_filters.ChoiceFilter(
        field_name="measurement__joint",
        choices=[(joint, joint) for joint in JOINTS],
        label=_("Joint"),
        empty_label=_("All joints"),
    )
    reliability = django_filters.ChoiceFilter(
        choices=[*Reliability.choices, (ANY, _("Any"))],
        label=_("Reliability"),
        empty_label=_("In doubt"),
        method="whatever",
    )
    reason = django_filters.ChoiceFilter(
        choices=lambda: list(REASONS.items()),
        label=_("Reason"),
        empty_label=_("All reasons"),
        method="with_reason",
    )
    status = django_filters.ChoiceFilter(
        choices=STATUSES, label=_("Status"), empty_label=_("To read"), method="whatever"
    )

    class Meta:
        model = CurrentMeasurement
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_assignments = self.request is not None and queries.has_assignments(self.request.user)
        if not self.has_assignments:  # all patients are theirs
            del self.filters["whose"]

    def whatever(self, queryset: Any, name: str, value: str) -> Any:
        return queryset  # decided elsewhere: they have a say without a value, too

    def with_reason(self, queryset: Any, name: str, value: str) -> Any:
        # SQLite can not look into a JSON list; the codes are words without quotes, so their text can be searched
        return queryset.annotate(reasons_text=Cast("measurement__reasons", TextField())).filter(
            reasons_text__contains=f'"{value}"'
        )

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        if self.has_assignments and not self.value("whose"):
            found = found.filter(queries.is_mine(self.request.user))
        reliability = self.value("reliability")
        if reliability == ANY:
            return found
        if reliability:
            return found.filter(reliability=reliability)
        return found.exclude(reliability=Reliability.RELIABLE)

    def value(self, name: str) -> str:
        """A filter's value if it is one of its choices, else ""."""
        _valid = self.form.is_valid()
        return self.form.cleaned_data.get(name) or ""

    def query(self, **changes: str) -> str:
        """The filters that are set, as they stand in an address; "" where none is."""
        given = {name: value for name, value in self.data.items() if name in self.filters}
        return urlencode({name: value for name, value in (given | changes).items() if value})
