"""Measurements over REST: the numbers, which of them count, filters, reads."""

from __future__ import annotations

import datetime

import pytest

from jsnsite.measurements.models import JointMeasurement
from jsnsite.reviews import services as reviews
from jsnsite.studies.models import Timepoint
from tests.jsnsite.api.conftest import V1, all_rows
from tests.jsnsite.factories import MeasurementFactory, RadiographFactory, RunFactory, TimepointFactory

PATH = f"{V1}measurements/"


@pytest.fixture
def trial(client_of):
    return client_of("trial_one")


def the_row(client, measurement) -> dict:
    return client.get(f"{PATH}{measurement.uuid}/").json()


def test_a_row_holds_the_number_its_uncertainty_and_where_it_comes_from(world, trial):
    first, second = world.timepoints(world.a)
    run = RunFactory(
        baseline=RadiographFactory(timepoint=first, pixel_spacing_mm=0.175),
        followup=RadiographFactory(timepoint=second, pixel_spacing_mm=0.143, spacing_source="entered"),
        model_digests={"registrar": "abc"},
        code_version="1.2",
    )
    measurement = MeasurementFactory(
        run=run, joint="PIP3", jsn_mm=0.25, jsn_sigma_mm=0.1, upper_dy_mm=0.3, lower_dy_mm=0.05,
        upper_rotation_deg=-1.5, reliability="review", reasons=["spacing_value_differs"],
    )  # fmt: skip
    row = the_row(trial, measurement)
    assert row | {
        "study_code": "one", "site_code": "a", "patient_code": "P-a", "laterality": "L", "joint": "PIP3",
        "baseline_ordinal": 0, "followup_ordinal": 1,
        "baseline_date": first.date.isoformat(), "followup_date": second.date.isoformat(),
        "interval_days": (second.date - first.date).days,
        "jsn_mm": 0.25, "jsn_sigma_mm": 0.1, "upper_dy_mm": 0.3, "lower_dy_mm": 0.05, "upper_rotation_deg": -1.5,
        "lower_scale": None, "reliability": "review", "reasons": ["spacing_value_differs"],
        "flagged": False, "flag_reasons": [], "review_status": "unread", "current": True, "from_baseline": True,
        "baseline_pixel_spacing_mm": 0.175, "baseline_spacing_source": "pixel_spacing",
        "followup_pixel_spacing_mm": 0.143, "followup_spacing_source": "entered",
        "baseline_timepoint_uuid": str(first.uuid), "followup_timepoint_uuid": str(second.uuid),
        "run_uuid": str(run.uuid), "model_digests": {"registrar": "abc"}, "code_version": "1.2",
    } == row  # fmt: skip
    assert row["jsn_ci95_low_mm"] == pytest.approx(0.25 - 0.196, abs=1e-4)
    assert row["jsn_ci95_high_mm"] == pytest.approx(0.25 + 0.196, abs=1e-4)


def test_what_could_not_be_measured_is_null(world, trial, measured):
    run = measured["a"].run
    missing = JointMeasurement.objects.create(
        run=run, joint="PIP2", reliability="unreliable", reasons=["joint_not_found"]
    )
    row = the_row(trial, missing)
    assert row["jsn_mm"] is row["jsn_ci95_low_mm"] is row["jsn_ci95_high_mm"] is None


def test_only_what_counts_is_listed_unless_history_is_asked_for(measured, trial):
    old = measured["a"]
    again = RunFactory(baseline=old.run.baseline, followup=old.run.followup, attempt=2)
    new = MeasurementFactory(run=again, jsn_mm=0.2)
    listed = {row["uuid"]: row["current"] for row in all_rows(trial, PATH, site="a")}
    assert listed == {str(new.uuid): True}
    history = {row["uuid"]: row["current"] for row in all_rows(trial, PATH, site="a", all="true")}
    assert history == {str(new.uuid): True, str(old.uuid): False}
    assert all_rows(trial, PATH, site="a", all="false") == all_rows(trial, PATH, site="a")
    assert the_row(trial, old)["current"] is False


@pytest.fixture
def mixed(world, measured):
    """At site a besides the fixture's MCP2: a right hand, another joint, another follow-up, a flag."""
    first, second = world.timepoints(world.a)
    third = TimepointFactory(patient=first.patient, ordinal=2, date=datetime.date(2026, 1, 1))
    left = measured["a"].run.baseline
    MeasurementFactory(
        run=RunFactory(baseline=left, followup=RadiographFactory(timepoint=third)),
        joint="PIP3", reliability="review",
    )  # fmt: skip
    right = RunFactory(
        baseline=RadiographFactory(timepoint=first, laterality="R"),
        followup=RadiographFactory(timepoint=second, laterality="R"),
    )
    flagged = MeasurementFactory(run=right, joint="IP1", reliability="unreliable")
    reviews.flag(measurement=flagged, reader=world.reviewer_one, reason_code="overlap")
    return measured


@pytest.mark.parametrize(
    ("query", "joints"),
    [
        ({}, "MCP2 PIP3 IP1 MCP2"),
        ({"study": "one"}, "MCP2 PIP3 IP1 MCP2"),
        ({"study": "two"}, ""),
        ({"site": "b"}, "MCP2"),
        ({"site": "nowhere"}, ""),
        ({"patient": "P-a"}, "MCP2 PIP3 IP1"),
        ({"joint": "PIP3"}, "PIP3"),
        ({"joint": ["PIP3", "IP1"]}, "PIP3 IP1"),
        ({"laterality": "R"}, "IP1"),
        ({"reliability": "review"}, "PIP3"),
        ({"reliability": ["reliable", "review"], "site": "a"}, "MCP2 PIP3"),
        ({"flagged": "true"}, "IP1"),
        ({"flagged": "false", "site": "a"}, "MCP2 PIP3"),
        ({"followup_ordinal": 2}, "PIP3"),
        ({"baseline_ordinal": 0, "site": "a"}, "MCP2 PIP3 IP1"),
        ({"baseline_ordinal": 1}, ""),
        ({"followup_date_from": "2026-01-01"}, "PIP3"),
        ({"followup_date_to": "2025-12-31", "site": "a"}, "MCP2 IP1"),
    ],
)
def test_filters_narrow_the_list(mixed, trial, query, joints):
    assert sorted(row["joint"] for row in all_rows(trial, PATH, **query)) == sorted(joints.split())


def test_a_timepoint_is_found_as_baseline_and_as_followup(mixed, world, trial):
    first, second, third = Timepoint.objects.filter(patient__site=world.a).order_by("ordinal")

    def joints(**query):
        return sorted(row["joint"] for row in all_rows(trial, PATH, **query))

    assert joints(timepoint=first.uuid) == ["IP1", "MCP2", "PIP3"] == joints(baseline_timepoint=first.uuid)
    assert joints(timepoint=third.uuid) == ["PIP3"] == joints(followup_timepoint=third.uuid)
    assert joints(timepoint=second.uuid) == ["IP1", "MCP2"]
    assert joints(baseline_timepoint=second.uuid) == []
    assert joints(patient=first.patient.uuid, site=world.a.uuid, study=world.one.uuid) == [
        "IP1",
        "MCP2",
        "PIP3",
    ]
    assert joints(run=mixed["a"].run.uuid) == ["MCP2"]


@pytest.mark.parametrize(
    "query",
    [
        {"joint": "TOE1"},
        {"laterality": "X"},
        {"reliability": "perfect"},
        {"flagged": "maybe"},
        {"from_baseline": "perhaps"},
        {"all": "1"},
        {"followup_ordinal": "-1"},
        {"followup_ordinal": "9" * 40},
        {"followup_ordinal": "1.5"},
        {"followup_ordinal": "NaN"},
        {"followup_date_from": "yesterday"},
        {"followup_date_to": "2025-13-01"},
        {"timepoint": "1"},
        {"run": "x"},
        {"patient": "a\x00b"},
        {"site": ["a", "b"]},
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_value_out_of_range_is_refused_in_json_and_names_the_parameter(mixed, trial, query, form):
    response = trial.get(PATH, query | {"format": form})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == set(query)


def test_a_flag_outweighs_an_acceptance_until_it_is_withdrawn(world, measured, trial):
    measurement = measured["b"]
    reviews.accept(measurement=measurement, reader=world.reviewer_one)
    assert the_row(trial, measurement)["review_status"] == "accepted"
    reviews.flag(measurement=measurement, reader=world.reviewer_b, reason_code="mismatch")
    row = the_row(trial, measurement)
    assert (row["review_status"], row["flagged"], row["flag_reasons"]) == ("flagged", True, ["mismatch"])
    assert row["reliability"] == "reliable"
    reviews.withdraw(measurement=measurement, reader=world.reviewer_b)
    assert the_row(trial, measurement)["review_status"] == "accepted"


def test_pairs_between_later_films_are_listed_as_evidence_only_when_asked_for(mixed, world, trial):
    films = [
        RadiographFactory(timepoint=timepoint, laterality="R", state="ready")
        for timepoint in Timepoint.objects.filter(patient__site=world.b)
    ]
    later = RadiographFactory(
        timepoint=TimepointFactory(patient=films[0].timepoint.patient, ordinal=2), laterality="R"
    )
    MeasurementFactory(run=RunFactory(baseline=films[0], followup=later), joint="PIP4")
    evidence = MeasurementFactory(run=RunFactory(baseline=films[1], followup=later), joint="PIP4")

    def listed(**query):
        return {row["uuid"]: row["from_baseline"] for row in all_rows(trial, PATH, joint="PIP4", **query)}

    assert list(listed().values()) == list(listed(from_baseline="true").values()) == [True]
    assert listed(from_baseline="false") == {str(evidence.uuid): False}
    assert sorted(listed(all="true").values()) == [False, True]
    assert listed(all="true", from_baseline="false") == {str(evidence.uuid): False}
    row = the_row(trial, evidence)
    assert (row["current"], row["from_baseline"]) == (False, False)


def test_a_run_says_what_it_was_computed_from(world, measured, trial):
    measured_from = {"baseline": {"sha256": "ab", "pixel_spacing_mm": 0.175}, "joints": ["MCP2"]}
    run = RunFactory(
        baseline=measured["a"].run.baseline, followup=measured["a"].run.followup, attempt=2,
        input_digests=measured_from,
    )  # fmt: skip
    assert trial.get(f"{V1}runs/{run.uuid}/").json()["input_digests"] == measured_from
