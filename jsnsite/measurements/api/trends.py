"""Trends over REST: a row for each joint, its points within; in CSV a line for each point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers

from jsnsite.exports.fields import code_of, uuid_of
from jsnsite.measurements.models import JointTrend, Reliability
from jsnsite.measurements.trend import Z_95
from jsnsite.measurements.trending import BASELINE
from jsnsite.radiographs.models import Laterality


class TrendPointSerializer(serializers.Serializer[Any]):
    """JSN of the joint since the baseline at one timepoint, by least squares over all pairs of films."""

    timepoint_uuid = serializers.UUIDField(source="timepoint")
    ordinal = serializers.IntegerField()
    date = serializers.DateField()
    jsn_mm = serializers.FloatField(
        allow_null=True, help_text="Positive: the space got narrower. Null: no pair that counts leads here."
    )
    jsn_sigma_mm = serializers.FloatField(
        source="sigma_mm", allow_null=True, help_text="One standard deviation of jsn_mm."
    )
    jsn_ci95_low_mm = serializers.SerializerMethodField(help_text="jsn_mm - 1.96 sigma.")
    jsn_ci95_high_mm = serializers.SerializerMethodField(help_text="jsn_mm + 1.96 sigma.")
    reliability = serializers.CharField(
        help_text=", ".join(f"`{value}`" for value in (BASELINE, *Reliability.values)) + "."
    )
    reasons = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the doubts behind `reliability`."
    )

    def get_jsn_ci95_low_mm(self, point: Mapping[str, Any]) -> float | None:
        return end_of_interval(point["jsn_mm"], point["sigma_mm"], -Z_95)

    def get_jsn_ci95_high_mm(self, point: Mapping[str, Any]) -> float | None:
        return end_of_interval(point["jsn_mm"], point["sigma_mm"], Z_95)


class TrendSerializer(serializers.ModelSerializer[JointTrend]):
    """One joint of one hand over all its timepoints."""

    study_code = code_of("patient.site.study")
    site_code = code_of("patient.site")
    patient_code = code_of("patient")
    patient_uuid = uuid_of("patient")
    laterality = serializers.ChoiceField(Laterality.choices, read_only=True)
    reliability = serializers.ChoiceField(
        Reliability.choices, read_only=True, help_text="The worst of its points that have a number."
    )
    slope_mm_per_year = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Of the line through all points. Positive: narrowing."
    )
    slope_sigma_mm_per_year = serializers.FloatField(
        read_only=True, allow_null=True, help_text="One standard deviation of the slope."
    )
    slope_ci95_low_mm_per_year = serializers.SerializerMethodField(help_text="Slope - 1.96 sigma.")
    slope_ci95_high_mm_per_year = serializers.SerializerMethodField(help_text="Slope + 1.96 sigma.")
    sdc_mm = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Smallest detectable change between two films: 1.96 sigma."
    )
    n_pairs = serializers.IntegerField(read_only=True, help_text="Pairs of films that count.")
    chi2 = serializers.FloatField(
        read_only=True,
        help_text="Weighted sum of squares of the misclosures; about `dof` where sigma is right.",
    )
    dof = serializers.IntegerField(read_only=True, help_text="Independent closures among the pairs.")
    suspect_measurement_uuids = serializers.SerializerMethodField(
        help_text="Measurements that contradict the others beyond what their sigma explains."
    )
    points = TrendPointSerializer(many=True, read_only=True)

    class Meta:
        model = JointTrend
        fields = [
            "uuid", "study_code", "site_code", "patient_code", "patient_uuid", "laterality", "joint", "reliability",
            "slope_mm_per_year", "slope_sigma_mm_per_year", "slope_ci95_low_mm_per_year",
            "slope_ci95_high_mm_per_year", "sdc_mm", "n_pairs", "chi2", "dof", "suspect_measurement_uuids", "points",
        ]  # fmt: skip
        read_only_fields = fields

    def get_slope_ci95_low_mm_per_year(self, row: JointTrend) -> float | None:
        return end_of_interval(row.slope_mm_per_year, row.slope_sigma_mm_per_year, -Z_95)

    def get_slope_ci95_high_mm_per_year(self, row: JointTrend) -> float | None:
        return end_of_interval(row.slope_mm_per_year, row.slope_sigma_mm_per_year, Z_95)

    def get_suspect_measurement_uuids(self, row: JointTrend) -> list[str]:
        return [suspect["measurement"] for suspect in row.suspects]


#: A point's fields that a joint has too are told apart in the CSV, where both stand on one line.
_OF_POINT = {"reliability": "point_reliability", "reasons": "point_reasons"}
_JOINT_FIELDS = [name for name in TrendSerializer.Meta.fields if name != "points"]
CSV_FIELDS = _JOINT_FIELDS + [_OF_POINT.get(str(name), str(name)) for name in TrendPointSerializer().fields]


def lines_of(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The CSV's lines of a row of ``TrendSerializer``: the joint's own fields on each, and one point."""
    joint = {name: row[name] for name in _JOINT_FIELDS}
    for point in row["points"]:
        yield joint | {_OF_POINT.get(name, name): value for name, value in point.items()}


def end_of_interval(value: float | None, sigma: float | None, sigmas: float) -> float | None:
    """``value`` plus so many sigmas; None where one of them is."""
    return None if value is None or sigma is None else value + sigmas * sigma
