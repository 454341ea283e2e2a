"""Reads over REST: what readers said, and saying it."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from jsnsite.exports.viewsets import ScopedViewSet
from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews import services
from jsnsite.reviews.api.filters import ReadFilter
from jsnsite.reviews.api.serializers import NewReadSerializer, ReadSerializer
from jsnsite.reviews.models import Read, ReadVerdict


class ReadViewSet(ScopedViewSet[Read]):
    """Verdicts of readers on measurements. Written once; a change of mind is a newer read."""

    queryset = Read.objects.select_related(
        "reader",
        "measurement__run__baseline",
        "measurement__run__followup__timepoint__patient__site__study",
    ).annotate(standing=Exists(Read.objects.standing().filter(pk=OuterRef("pk"))))
    serializer_class = ReadSerializer
    filterset_class = ReadFilter

    @extend_schema(request=NewReadSerializer, responses={201: ReadSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Accept, flag or withdraw (reviewers). It shows in the measurement at once."""
        new = NewReadSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        measurements = JointMeasurement.objects.restrict(request.user)
        measurement = get_object_or_404(measurements, uuid=new.validated_data["measurement"])
        read = _record(measurement, request.user, **new.validated_data)
        row = self.get_queryset().get(pk=read.pk)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)


def _record(target: JointMeasurement, reader: Any, verdict: str, comment: str, **given: Any) -> Read:
    if verdict == ReadVerdict.ACCEPTED:
        return services.accept(measurement=target, reader=reader, comment=comment)
    if verdict == ReadVerdict.FLAGGED:
        return services.flag(
            measurement=target, reader=reader, reason_code=given["reason_code"], comment=comment
        )
    return services.withdraw(measurement=target, reader=reader)
