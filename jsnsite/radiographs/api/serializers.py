"""Radiographs and verdicts on uploads over REST: no file names, no people, nothing of the DICOM header but
geometry.
"""

from __future__ import annotations

from rest_framework import serializers

from jsnsite.exports.fields import code_of, uuid_of
from jsnsite.radiographs.dicom import BOTH
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Laterality, Radiograph, UploadRecord


class RadiographSerializer(serializers.ModelSerializer[Radiograph]):
    study_code = code_of("timepoint.patient.site.study")
    site_code = code_of("timepoint.patient.site")
    patient_code = code_of("timepoint.patient")
    timepoint_uuid = uuid_of("timepoint")
    timepoint_ordinal = serializers.IntegerField(source="timepoint.ordinal", read_only=True)
    rows_px = serializers.IntegerField(source="rows", read_only=True)
    columns_px = serializers.IntegerField(source="columns", read_only=True)
    superseded_by_uuid = uuid_of("superseded_by", nullable=True, help_text="The film that took its place.")

    class Meta:
        model = Radiograph
        fields = [
            "uuid", "study_code", "site_code", "patient_code", "timepoint_uuid", "timepoint_ordinal",
            "laterality", "state", "failure_code", "failure_message", "current", "superseded_by_uuid",
            "rows_px", "columns_px", "pixel_spacing_mm", "spacing_source",
        ]  # fmt: skip
        read_only_fields = fields


class AnnotationSerializer(serializers.ModelSerializer[JointAnnotation]):
    radiograph_uuid = uuid_of("radiograph")
    version = serializers.IntegerField(read_only=True, help_text="Counts from 1; the newest counts.")
    x_px = serializers.FloatField(
        read_only=True, help_text="Joint centre, x right, pixel centres at integers."
    )
    y_px = serializers.FloatField(read_only=True, help_text="Joint centre, y down.")
    angle_deg = serializers.FloatField(
        read_only=True, help_text="Direction of the distal bone, 0 = up the film, positive clockwise."
    )
    size_px = serializers.FloatField(read_only=True, help_text="Side of the square region.")
    newest = serializers.BooleanField(read_only=True, help_text="Whether no later version has replaced it.")

    class Meta:
        model = JointAnnotation
        fields = [
            "uuid", "radiograph_uuid", "joint", "version", "x_px", "y_px", "angle_deg", "size_px", "confidence",
            "source", "newest", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class OutlineSerializer(serializers.ModelSerializer[BoneOutline]):
    radiograph_uuid = uuid_of("radiograph")
    annotation_uuid = uuid_of("annotation", help_text="The region that it was drawn in.")
    version = serializers.IntegerField(read_only=True, help_text="Counts from 1 for each bone of a joint.")
    polygon_px = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        source="polygon",
        read_only=True,
        help_text="Corners [x, y] in pixels of the film; empty: given back to the model.",
    )
    counts = serializers.BooleanField(
        read_only=True, help_text="Whether it is measured with: newest, not given back, in the newest region."
    )

    class Meta:
        model = BoneOutline
        fields = [
            "uuid", "radiograph_uuid", "annotation_uuid", "joint", "bone", "version", "polygon_px", "counts",
            "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[UploadRecord]):
    """What a client sends to file one radiograph."""

    timepoint = serializers.UUIDField(help_text="The timepoint's uuid.")
    file = serializers.FileField(
        allow_empty_file=True, max_length=None, help_text="One DICOM file of one hand or of both."
    )
    laterality = serializers.ChoiceField(
        [*Laterality.choices, (BOTH, "both")],
        required=False,
        help_text="Left out: the file is believed. B: a film of both hands becomes one radiograph for each.",
    )


class VerdictSerializer(serializers.ModelSerializer[UploadRecord]):
    """What became of an uploaded file, and what to do about it."""

    timepoint_uuid = uuid_of("timepoint")
    radiograph_uuid = uuid_of("radiograph", nullable=True, help_text="Null where the file was not accepted.")
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = UploadRecord
        fields = ["uuid", "timepoint_uuid", "verdict", "code", "message", "warnings", "radiograph_uuid"]
        read_only_fields = fields

    def get_warnings(self, record: UploadRecord) -> list[dict[str, str]]:
        return [{"code": code, "message": message} for code, message in record.warnings]
