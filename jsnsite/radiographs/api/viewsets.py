"""Radiographs over REST: what is filed, and filing one more."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from jsnsite.exports.viewsets import ScopedViewSet
from jsnsite.radiographs import services
from jsnsite.radiographs.api.filters import AnnotationFilter, OutlineFilter, RadiographFilter
from jsnsite.radiographs.api.serializers import (
    AnnotationSerializer,
    OutlineSerializer,
    RadiographSerializer,
    UploadSerializer,
    VerdictSerializer,
)
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph, Verdict
from jsnsite.studies.models import Timepoint


class RadiographViewSet(ScopedViewSet[Radiograph]):
    """De-identified radiographs and how far their processing is."""

    queryset = Radiograph.objects.select_related("timepoint__patient__site__study", "superseded_by")
    serializer_class = RadiographSerializer
    filterset_class = RadiographFilter
    parser_classes = [MultiPartParser]

    @property
    def throttle_scope(self) -> str | None:
        return "upload" if self.action == "create" else None

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={
            201: OpenApiResponse(VerdictSerializer, "Filed; `message` may ask to check something."),
            422: OpenApiResponse(VerdictSerializer, "Not accepted; `message` says what to do."),
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """File one radiograph (site staff). The answer is the file's verdict; processing goes on behind it."""
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        given = upload.validated_data
        timepoints = Timepoint.objects.restrict(request.user).select_related("patient__site__study")
        record = services.receive(
            file=given["file"],
            name=given["file"].name,
            timepoint=get_object_or_404(timepoints, uuid=given["timepoint"]),
            laterality=given.get("laterality"),
            user=request.user,  # type: ignore[arg-type]
        )
        rejected = record.verdict == Verdict.REJECTED
        code = status.HTTP_422_UNPROCESSABLE_ENTITY if rejected else status.HTTP_201_CREATED
        return Response(VerdictSerializer(record).data, status=code)


class AnnotationViewSet(ScopedViewSet[JointAnnotation]):
    """Where joints lie on radiographs: every version, by the locator and by people."""

    queryset = JointAnnotation.objects.with_newest().select_related("radiograph")
    serializer_class = AnnotationSerializer
    filterset_class = AnnotationFilter


class OutlineViewSet(ScopedViewSet[BoneOutline]):
    """Bones as people have outlined them: every version. A bone without one is outlined by the model."""

    queryset = BoneOutline.objects.with_counts().select_related("radiograph", "annotation")
    serializer_class = OutlineSerializer
    filterset_class = OutlineFilter
