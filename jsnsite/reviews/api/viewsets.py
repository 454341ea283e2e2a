"""Reads over REST: what readers said, and saying it; and who is asked to read whom."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from jsnsite.accounts.models import User
from jsnsite.errors import NotAllowed
from jsnsite.exports.viewsets import ScopedViewSet
from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews import assigning, queries, services
from jsnsite.reviews.api.filters import AssignmentFilter, ReadFilter
from jsnsite.reviews.api.serializers import (
    AssignmentSerializer,
    NewAssignmentSerializer,
    NewReadSerializer,
    ReadSerializer,
)
from jsnsite.reviews.models import Assignment, Read, ReadVerdict
from jsnsite.scoping import Action, allowed
from jsnsite.studies.models import Patient


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


class AssignmentViewSet(ScopedViewSet[Assignment]):
    """Which reader is asked to read which patients: all to the study's administrators, to a reader their own."""

    queryset = Assignment.objects.select_related("reader", "patient__site__study")
    serializer_class = AssignmentSerializer
    filterset_class = AssignmentFilter

    @extend_schema(request=NewAssignmentSerializer, responses={201: AssignmentSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask a reader to read a patient (study administrators); asked twice, it is one assignment."""
        new = NewAssignmentSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        patients = Patient.objects.restrict(request.user)
        patient = get_object_or_404(patients, uuid=new.validated_data["patient"])
        reader = get_object_or_404(_readers(request.user, patient), uuid=new.validated_data["reader"])
        made = assigning.assign(patient=patient, reader=reader, user=_person(request))
        row = self.get_queryset().get(pk=made.pk)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the patient off the reader's list (study administrators); verdicts stay."""
        assigning.unassign(assignment=self.get_object(), user=_person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(request: Request) -> Any:
    return request.user


def _readers(user: Any, patient: Patient) -> QuerySet[User]:
    """Who may be asked. Others than administrators are refused before they learn who reads."""
    if not allowed(user, Action.MANAGE, patient):
        raise NotAllowed
    return queries.readers_of(patient.study)
