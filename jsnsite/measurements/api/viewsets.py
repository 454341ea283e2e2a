"""Measurements, page by page or as one CSV, and the runs they come from."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jsnsite.exports.csv_stream import CsvRenderer, streamed
from jsnsite.exports.viewsets import ScopedViewSet
from jsnsite.measurements.api.filters import MeasurementFilter, RunFilter
from jsnsite.measurements.api.serializers import MeasurementSerializer, RunSerializer
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.reviews.models import Read

ROWS_PER_FETCH = 500
_PATIENT = "run__followup__timepoint__patient"
#: Order of the CSV's rows: as a person would read them, and the same every time.
READING_ORDER = [
    f"{_PATIENT}__study__code", f"{_PATIENT}__site__code", f"{_PATIENT}__code", "run__baseline__laterality",
    "joint", "run__followup__timepoint__ordinal", "run__attempt", "uuid",
]  # fmt: skip


class MeasurementViewSet(ScopedViewSet[JointMeasurement]):
    """JSN per joint and pair of timepoints, with its uncertainty, its reads and where it comes from."""

    queryset = (
        JointMeasurement.objects.with_context()
        .annotate(current=Exists(JointMeasurement.objects.filter(pk=OuterRef("pk")).current()))
        .prefetch_related(Prefetch("reads", queryset=Read.objects.standing(), to_attr="standing_reads"))
    )
    serializer_class = MeasurementSerializer
    filterset_class = MeasurementFilter

    @property
    def throttle_scope(self) -> str | None:
        return "export" if getattr(self.request.accepted_renderer, "format", "") == "csv" else None

    def get_renderers(self) -> list[BaseRenderer]:
        return [JSONRenderer(), CsvRenderer()] if self.action == "list" else [JSONRenderer()]

    @extend_schema(
        responses={
            (200, "application/json"): MeasurementSerializer(many=True),
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, "Every row the filters leave, in one file, streamed; pages do not apply."
            ),
        }
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response | StreamingHttpResponse:  # type: ignore[override]
        """Those that count, unless `all=true`. JSON comes in pages, CSV (`?format=csv`) whole."""
        if request.accepted_renderer.format != "csv":
            return super().list(request, *args, **kwargs)
        rows = self.filter_queryset(self.get_queryset()).order_by(*READING_ORDER)
        serializer: Any = self.get_serializer()
        return streamed(
            rows.iterator(chunk_size=ROWS_PER_FETCH),
            serializer.to_representation,
            MeasurementSerializer.Meta.fields,
            file_name="measurements.csv",
        )


class RunViewSet(ScopedViewSet[Run]):
    """Every attempt at a pair of films, with its models' digests and code version, or why it failed."""

    queryset = Run.objects.select_related(
        "baseline__timepoint", "followup__timepoint__patient__site__study", "retry_of"
    )
    serializer_class = RunSerializer
    filterset_class = RunFilter
