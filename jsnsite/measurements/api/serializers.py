"""Measurements and runs over REST: flat rows, units in the names, the same fields in JSON and CSV."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jsnsite.exports.fields import code_of, uuid_of
from jsnsite.measurements.api.trends import end_of_interval
from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.measurements.trend import Z_95
from jsnsite.radiographs.models import Laterality, SpacingSource
from jsnsite.reviews.models import ReadVerdict, ReasonCode

REVIEW_STATUSES = [("unread", "unread"), ("accepted", "accepted"), ("flagged", "flagged")]

_PATIENT = "run.followup.timepoint.patient"


def _film(which: str, name: str) -> str:
    return f"run.{which}.{name}"


class MeasurementSerializer(serializers.ModelSerializer[JointMeasurement]):
    """One joint of one hand between two timepoints. Takes rows with ``standing_reads``, ``current`` and
    ``from_baseline``.
    """

    study_code = code_of(f"{_PATIENT}.site.study")
    site_code = code_of(f"{_PATIENT}.site")
    patient_code = code_of(_PATIENT)
    patient_uuid = uuid_of(_PATIENT)
    laterality = serializers.ChoiceField(Laterality.choices, source="run.baseline.laterality", read_only=True)
    baseline_timepoint_uuid = uuid_of("run.baseline.timepoint")
    baseline_ordinal = serializers.IntegerField(source="run.baseline.timepoint.ordinal", read_only=True)
    baseline_date = serializers.DateField(source="run.baseline.timepoint.date", read_only=True)
    followup_timepoint_uuid = uuid_of("run.followup.timepoint")
    followup_ordinal = serializers.IntegerField(source="run.followup.timepoint.ordinal", read_only=True)
    followup_date = serializers.DateField(source="run.followup.timepoint.date", read_only=True)
    interval_days = serializers.SerializerMethodField(help_text="From baseline to follow-up.")
    jsn_mm = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Positive: the space got narrower. Null: not measurable."
    )
    jsn_sigma_mm = serializers.FloatField(
        read_only=True, allow_null=True, help_text="One standard deviation of jsn_mm."
    )
    jsn_ci95_low_mm = serializers.SerializerMethodField(help_text="jsn_mm - 1.96 sigma.")
    jsn_ci95_high_mm = serializers.SerializerMethodField(help_text="jsn_mm + 1.96 sigma.")
    reasons = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Codes of the doubts behind `reliability`."
    )
    flagged = serializers.SerializerMethodField(
        help_text="Whether a standing read flags it; readers see their own only."
    )
    flag_reasons = serializers.SerializerMethodField()
    review_status = serializers.SerializerMethodField(help_text="A flag outweighs an acceptance.")
    current = serializers.BooleanField(
        read_only=True,
        help_text="Whether it counts: newest done run of its pair, from the baseline, no film replaced.",
    )
    from_baseline = serializers.BooleanField(
        read_only=True,
        help_text="Whether its first film is the hand's baseline; otherwise it is evidence behind the trend.",
    )
    baseline_radiograph_uuid = uuid_of("run.baseline")
    baseline_pixel_spacing_mm = serializers.FloatField(
        source=_film("baseline", "pixel_spacing_mm"), read_only=True, allow_null=True
    )
    baseline_spacing_source = serializers.ChoiceField(
        SpacingSource.choices, source=_film("baseline", "spacing_source"), read_only=True, allow_blank=True
    )
    followup_radiograph_uuid = uuid_of("run.followup")
    followup_pixel_spacing_mm = serializers.FloatField(
        source=_film("followup", "pixel_spacing_mm"), read_only=True, allow_null=True
    )
    followup_spacing_source = serializers.ChoiceField(
        SpacingSource.choices, source=_film("followup", "spacing_source"), read_only=True, allow_blank=True
    )
    run_uuid = uuid_of("run")
    model_digests = serializers.DictField(
        source="run.model_digests", child=serializers.CharField(), read_only=True
    )
    code_version = serializers.CharField(source="run.code_version", read_only=True)

    class Meta:
        model = JointMeasurement
        fields = [
            "uuid", "study_code", "site_code", "patient_code", "patient_uuid", "laterality", "joint",
            "baseline_timepoint_uuid", "baseline_ordinal", "baseline_date",
            "followup_timepoint_uuid", "followup_ordinal", "followup_date", "interval_days",
            "jsn_mm", "jsn_sigma_mm", "jsn_ci95_low_mm", "jsn_ci95_high_mm",
            "reliability", "reasons", "flagged", "flag_reasons", "review_status", "current", "from_baseline",
            "upper_dx_mm", "upper_dy_mm", "upper_rotation_deg", "upper_scale",
            "lower_dx_mm", "lower_dy_mm", "lower_rotation_deg", "lower_scale",
            "baseline_radiograph_uuid", "baseline_pixel_spacing_mm", "baseline_spacing_source",
            "followup_radiograph_uuid", "followup_pixel_spacing_mm", "followup_spacing_source",
            "run_uuid", "model_digests", "code_version",
        ]  # fmt: skip
        read_only_fields = fields

    def get_interval_days(self, row: JointMeasurement) -> int:
        return (row.run.followup.timepoint.date - row.run.baseline.timepoint.date).days

    def get_jsn_ci95_low_mm(self, row: JointMeasurement) -> float | None:
        return end_of_interval(row.jsn_mm, row.jsn_sigma_mm, -Z_95)

    def get_jsn_ci95_high_mm(self, row: JointMeasurement) -> float | None:
        return end_of_interval(row.jsn_mm, row.jsn_sigma_mm, Z_95)

    def get_flagged(self, row: Any) -> bool:
        return bool(_flags(row))

    def get_flag_reasons(self, row: Any) -> list[ReasonCode]:
        return sorted({ReasonCode(read.reason_code) for read in _flags(row)})

    def get_review_status(self, row: Any) -> str:
        if _flags(row):
            return "flagged"
        return "accepted" if row.standing_reads else "unread"


class RunSerializer(serializers.ModelSerializer[Run]):
    """Provenance: what was computed from what, by which models and code."""

    study_code = code_of("followup.timepoint.patient.site.study")
    site_code = code_of("followup.timepoint.patient.site")
    patient_code = code_of("followup.timepoint.patient")
    laterality = serializers.ChoiceField(Laterality.choices, source="baseline.laterality", read_only=True)
    baseline_radiograph_uuid = uuid_of("baseline")
    baseline_ordinal = serializers.IntegerField(source="baseline.timepoint.ordinal", read_only=True)
    followup_radiograph_uuid = uuid_of("followup")
    followup_ordinal = serializers.IntegerField(source="followup.timepoint.ordinal", read_only=True)
    retry_of_uuid = uuid_of("retry_of", nullable=True)
    input_digests = serializers.DictField(
        read_only=True,
        help_text="What was measured: the `joints`, and of each film the SHA-256 of its pixels, its pixel spacing, and "
        "the versions of its annotations and drawn outlines.",
    )
    model_digests = serializers.DictField(child=serializers.CharField(), read_only=True)
    parameters = serializers.DictField(read_only=True, help_text="Parameters that were not the default.")

    class Meta:
        model = Run
        fields = [
            "uuid", "study_code", "site_code", "patient_code", "laterality",
            "baseline_radiograph_uuid", "baseline_ordinal", "followup_radiograph_uuid", "followup_ordinal",
            "state", "attempt", "retry_of_uuid", "failure_code", "failure_message",
            "input_digests", "model_digests", "code_version", "parameters", "queued_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


def _flags(row: Any) -> list[Any]:
    return [read for read in row.standing_reads if read.verdict == ReadVerdict.FLAGGED]
