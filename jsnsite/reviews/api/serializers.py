"""Readers' verdicts over REST: who read is a public id, never a name."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jsnsite.exports.fields import code_of, uuid_of
from jsnsite.reviews.models import Assignment, Read, ReadVerdict, ReasonCode

_PATIENT = "measurement.run.followup.timepoint.patient"


class ReadSerializer(serializers.ModelSerializer[Read]):
    measurement_uuid = uuid_of("measurement")
    study_code = code_of(f"{_PATIENT}.site.study")
    site_code = code_of(f"{_PATIENT}.site")
    patient_code = code_of(_PATIENT)
    laterality = serializers.CharField(source="measurement.run.baseline.laterality", read_only=True)
    joint = serializers.CharField(source="measurement.joint", read_only=True)
    followup_ordinal = serializers.IntegerField(
        source="measurement.run.followup.timepoint.ordinal", read_only=True
    )
    reader_uuid = uuid_of("reader")
    standing = serializers.BooleanField(
        read_only=True, help_text="Whether it counts: its reader's newest on the measurement, not withdrawn."
    )

    class Meta:
        model = Read
        fields = [
            "uuid", "measurement_uuid", "study_code", "site_code", "patient_code", "laterality", "joint",
            "followup_ordinal", "reader_uuid", "verdict", "reason_code", "comment", "standing", "created",
        ]  # fmt: skip
        read_only_fields = fields


class NewReadSerializer(serializers.Serializer[Read]):
    """What a reader sends."""

    measurement = serializers.UUIDField(help_text="The measurement's uuid.")
    verdict = serializers.ChoiceField(
        ReadVerdict.choices, help_text="`withdrawn` undoes your standing read; the record keeps it."
    )
    reason_code = serializers.ChoiceField(
        ReasonCode.choices, required=False, help_text="With `flagged`, and only then."
    )
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["verdict"] == ReadVerdict.FLAGGED) != ("reason_code" in attrs):
            raise serializers.ValidationError(
                {"reason_code": "Give a reason with a flag, and with a flag only."}
            )
        return attrs


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    study_code = code_of("patient.site.study")
    site_code = code_of("patient.site")
    patient_code = code_of("patient")
    patient_uuid = uuid_of("patient")
    reader_uuid = uuid_of("reader")

    class Meta:
        model = Assignment
        fields = ["uuid", "study_code", "site_code", "patient_code", "patient_uuid", "reader_uuid", "created"]
        read_only_fields = fields


class NewAssignmentSerializer(serializers.Serializer[Assignment]):
    """Whom to ask to read whom."""

    patient = serializers.UUIDField(help_text="The patient's uuid.")
    reader = serializers.UUIDField(help_text="The reader's uuid.")
