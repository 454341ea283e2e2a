"""Trends over REST: what a row holds, and the CSV with a line for each timepoint."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from jsnsite.exports.csv_stream import cell
from jsnsite.measurements import services
from jsnsite.measurements.api.trends import CSV_FIELDS
from jsnsite.measurements.models import JointTrend
from tests.jsnsite.api.conftest import V1, all_rows
from tests.jsnsite.factories import MeasurementFactory, RadiographFactory, RunFactory, TimepointFactory

PATH = f"{V1}trends/"


@pytest.fixture
def trial(client_of):
    return client_of("trial_one")


@pytest.fixture
def trends(world, measured):
    """At each site MCP2 of a left hand at two timepoints; at site a also PIP3, and a third timepoint."""
    first = measured["a"].run
    MeasurementFactory(
        run=RunFactory(baseline=first.baseline, followup=first.followup, attempt=2), joint="PIP3"
    )
    third = RadiographFactory(timepoint=TimepointFactory(patient=first.baseline.timepoint.patient, ordinal=2))
    for film, mm in ((first.baseline, 0.3), (first.followup, 0.2)):
        MeasurementFactory(run=RunFactory(baseline=film, followup=third), jsn_mm=mm, reliability="review")
    for measurement in measured.values():
        services.refresh_trends(measurement.run.baseline.timepoint.patient)


def test_a_row_holds_slope_interval_doubt_and_every_point(world, trends, trial):
    (row,) = all_rows(trial, PATH, site="a", joint="MCP2")
    stored = JointTrend.objects.get(patient__site=world.a, joint="MCP2", audience="")
    assert row | {
        "uuid": str(stored.uuid), "study_code": "one", "site_code": "a", "patient_code": "P-a", "laterality": "L",
        "joint": "MCP2", "reliability": "review", "n_pairs": 3, "dof": 1, "suspect_measurement_uuids": [],
        "slope_mm_per_year": stored.slope_mm_per_year, "sdc_mm": stored.sdc_mm,
    } == row  # fmt: skip
    half_width = 1.959964 * row["slope_sigma_mm_per_year"]
    assert row["slope_ci95_high_mm_per_year"] - row["slope_mm_per_year"] == pytest.approx(half_width)
    assert row["slope_mm_per_year"] - row["slope_ci95_low_mm_per_year"] == pytest.approx(half_width)
    baseline, second, third = row["points"]
    assert (baseline["jsn_mm"], baseline["jsn_sigma_mm"], baseline["reliability"]) == (0.0, 0.0, "baseline")
    assert baseline["timepoint_uuid"] == str(world.timepoints(world.a)[0].uuid)
    assert (second["jsn_mm"], third["jsn_mm"]) == (pytest.approx(0.1), pytest.approx(0.3))
    assert third["jsn_ci95_high_mm"] == pytest.approx(0.3 + 1.959964 * third["jsn_sigma_mm"])
    assert (third["ordinal"], third["reliability"], third["reasons"]) == (
        2,
        "review",
        ["only_doubtful_pairs"],
    )


@pytest.mark.parametrize(
    ("query", "joints"),
    [
        ({}, "MCP2 MCP2 PIP3"),
        ({"study": "two"}, ""),
        ({"site": "b"}, "MCP2"),
        ({"patient": "P-a"}, "MCP2 PIP3"),
        ({"laterality": "R"}, ""),
        ({"joint": ["PIP3", "PIP4"]}, "PIP3"),
        ({"reliability": "review"}, "MCP2"),
    ],
)
def test_filters_narrow_the_list(trends, trial, query, joints):
    assert sorted(row["joint"] for row in all_rows(trial, PATH, **query)) == joints.split()


def test_the_csv_has_a_line_for_each_timepoint_of_each_joint(trends, trial):
    response = trial.get(PATH, {"format": "csv"})
    assert response.streaming and "trends.csv" in response.headers["Content-Disposition"]
    lines = list(csv.DictReader(StringIO(response.getvalue().decode())))
    assert list(lines[0]) == CSV_FIELDS and len(set(CSV_FIELDS)) == len(CSV_FIELDS)
    places = [(line["site_code"], line["joint"], line["ordinal"]) for line in lines]
    assert places == sorted(places) and len(places) == 3 + 2 + 2
    for row in all_rows(trial, PATH):
        of_joint = [line for line in lines if line["uuid"] == row["uuid"]]
        assert {line["slope_mm_per_year"] for line in of_joint} == {str(cell(row["slope_mm_per_year"]))}
        assert [line["jsn_mm"] for line in of_joint] == [
            str(cell(point["jsn_mm"])) for point in row["points"]
        ]
        assert [line["point_reliability"] for line in of_joint] == [p["reliability"] for p in row["points"]]
        assert [line["point_reasons"] for line in of_joint] == [cell(p["reasons"]) for p in row["points"]]


def test_the_csv_holds_only_what_is_in_scope(trends, client_of):
    def sites(who: str) -> set[str]:
        text = client_of(who).get(PATH, {"format": "csv"}).getvalue().decode()
        return {line["site_code"] for line in csv.DictReader(StringIO(text))}

    assert sites("staff_a") == {"a"} and sites("staff_c") == {"c"} and sites("outsider") == set()
    assert client_of(None).get(PATH, {"format": "csv"}).status_code == 401
