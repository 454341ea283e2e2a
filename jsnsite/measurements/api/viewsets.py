"""Measurements and trends, page by page or as one CSV, and the runs they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jsnsite.exports.viewsets import CsvViewSet, ScopedViewSet
from jsnsite.measurements.api.filters import MeasurementFilter, RunFilter, TrendFilter
from jsnsite.measurements.api.serializers import MeasurementSerializer, RunSerializer
from jsnsite.measurements.api.trends import CSV_FIELDS, TrendSerializer, lines_of
from jsnsite.measurements.models import CurrentMeasurement, JointMeasurement, JointTrend, Run
from jsnsite.reviews.models import Read

_PATIENT = "run__followup__timepoint__patient"
_ROW = OuterRef("pk")


class MeasurementViewSet(CsvViewSet[JointMeasurement]):
    """JSN per joint and pair of timepoints, with its uncertainty, its reads and where it comes from."""

    queryset = JointMeasurement.objects.with_context().annotate(
        current=Exists(CurrentMeasurement.objects.filter(pk=_ROW)),
        from_baseline=Exists(JointMeasurement.objects.filter(pk=_ROW).from_baseline()),
    )
    serializer_class = MeasurementSerializer
    filterset_class = MeasurementFilter
    reading_order = [
        f"{_PATIENT}__study__code", f"{_PATIENT}__site__code", f"{_PATIENT}__code", "run__baseline__laterality",
        "joint", "run__baseline__timepoint__ordinal", "run__followup__timepoint__ordinal", "run__attempt", "uuid",
    ]  # fmt: skip
    csv_header = MeasurementSerializer.Meta.fields
    csv_name = "measurements.csv"

    def get_queryset(self) -> QuerySet[JointMeasurement]:
        """With the reads that this person may know of."""
        reads = Read.objects.restrict(getattr(self.request, "user", None)).standing()
        return (
            super()
            .get_queryset()
            .prefetch_related(Prefetch("reads", queryset=reads, to_attr="standing_reads"))
        )

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
        return self.list_or_csv(request)


class TrendViewSet(CsvViewSet[JointTrend]):
    """JSN of each joint over all its timepoints, by least squares over all pairs of films, with its slope."""

    queryset = JointTrend.objects.select_related("patient__site__study")
    serializer_class = TrendSerializer
    filterset_class = TrendFilter
    reading_order = ["patient__study__code", "patient__site__code", "patient__code", "laterality", "joint"]
    csv_header = CSV_FIELDS
    csv_name = "trends.csv"

    def csv_lines(self, row: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        return lines_of(row)

    @extend_schema(
        responses={
            (200, "application/json"): TrendSerializer(many=True),
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR,
                "One line for each joint and timepoint, in one file, streamed; the joint's own columns are repeated "
                "on each of its lines, and the point's reliability is `point_reliability`.",
            ),
        }
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response | StreamingHttpResponse:  # type: ignore[override]
        """JSON: a row for each joint, in pages. CSV (`?format=csv`): a line for each joint and timepoint, whole."""
        return self.list_or_csv(request)


class RunViewSet(ScopedViewSet[Run]):
    """Every attempt at a pair of films, with its inputs, its models' digests and code version, or why it failed."""

    queryset = Run.objects.select_related(
        "baseline__timepoint", "followup__timepoint__patient__site__study", "retry_of"
    )
    serializer_class = RunSerializer
    filterset_class = RunFilter
