"""The patient's pages over many visits: what they say, how many queries they take, what they keep to themselves."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.measurements.services import refresh_trends
from jsnsite.pages.patient import joints_shown, mean_shown
from jsnsite.radiographs.models import Radiograph
from jsnsite.reviews.services import flag
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Patient, Timepoint
from tests.jsnsite.factories import PatientFactory, RadiographFactory, RunFactory, TimepointFactory, finish

MM_PER_YEAR = 0.2
STEP_DAYS = 183


def rate(joint: str) -> float:
    return 0.0 if joint.startswith("PIP") else MM_PER_YEAR


def patient_with(site, visits: int, joints=("MCP2", "MCP3"), sides="RL", off_mm=0.0) -> Patient:
    """Every pair of every hand's films measured, exactly; but ``off_mm`` at the first joint between the last two."""
    patient = PatientFactory(site=site)
    times = [
        TimepointFactory(
            patient=patient,
            ordinal=n,
            date=date(2024, 1, 1) + timedelta(days=STEP_DAYS * n),
            label=f"visit {n}",
        )
        for n in range(visits)
    ]
    for side in sides:
        films = [RadiographFactory(timepoint=time, laterality=side, manufacturer="Acme") for time in times]
        for pair in combinations(films, 2):
            is_last = pair == (films[-2], films[-1])
            measure(*pair, joints, off_mm if is_last and visits > 2 else 0.0)
        refresh_trends(patient, side)
    return patient


def measure(
    first: Radiograph, second: Radiograph, joints, off_mm: float, reliability: str = "reliable"
) -> Run:
    run = RunFactory(
        baseline=first,
        followup=second,
        code_version="1.2.3",
        model_digests={"registrar": "sha256:" + "ab" * 32},
    )
    years = (second.timepoint.date - first.timepoint.date).days / 365.25
    JointMeasurement.objects.bulk_create(
        JointMeasurement(
            run=run,
            joint=joint,
            jsn_mm=rate(joint) * years + (off_mm if joint == joints[0] else 0.0),
            jsn_sigma_mm=0.02,
            reliability=reliability,
        )
        for joint in joints
    )
    finish(run)
    return run


def page(user, patient: Patient, name="studies:patient", query="") -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse(name, args=[patient.uuid]) + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def queries_of(user, patient: Patient, name: str) -> int:
    client = Client()
    client.force_login(user)
    address = reverse(name, args=[patient.uuid])
    client.get(address)  # what is asked once a session
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


@pytest.mark.parametrize("name", ["studies:patient", "studies:report"])
def test_more_visits_and_joints_take_no_more_queries(world, name):
    few = patient_with(world.a, visits=2)
    many = patient_with(world.a, visits=8, joints=JOINTS)
    assert queries_of(world.reviewer_one, few, name) == queries_of(world.reviewer_one, many, name) <= 16


def test_the_overview_takes_no_more_queries_for_more_sites_and_patients(world):
    def overview() -> int:
        client = Client()
        client.force_login(world.trial_one)
        client.get("/")
        with CaptureQueriesContext(connection) as seen:
            assert b"Count it" in client.get("/").content
            assert b"Acme" in client.get("/?reliability=by-site").content
        return len(seen)

    patient_with(world.a, visits=2, sides="R")
    before = overview()
    for site in (world.a, world.b, world.b):
        patient_with(site, visits=3, sides="R")
    assert overview() == before


def test_the_page_says_the_slope_its_interval_and_whether_chance_explains_it(world):
    text = page(world.trial_one, patient_with(world.a, 4, ("MCP2", "PIP2")), query="?side=R&joint=MCP2")
    assert "+0.200 mm a year (95 %" in text
    assert "</strong>: narrower than chance explains" in text
    quiet = page(world.trial_one, patient_with(world.a, 4, ("PIP2",)))
    assert "no change beyond chance" in quiet and "within the smallest detectable change" in quiet


def test_without_a_choice_the_joint_that_changes_fastest_is_shown(world):
    patient = patient_with(world.a, 3, ("PIP2", "MCP3"))
    assert joints_shown(world.trial_one, patient)["selected"].joint == "MCP3"
    chosen = joints_shown(world.trial_one, patient, asked=("L", "PIP2"))["selected"]
    assert (chosen.laterality, chosen.joint) == ("L", "PIP2")


def test_next_and_previous_lead_round_all_measured_joints(world):
    patient = patient_with(world.a, 2)
    seen, asked = [], ("R", "MCP2")
    for _ in range(4):
        shown = joints_shown(world.trial_one, patient, asked=asked)
        seen.append(asked)
        assert shown["previous"].joint != shown["selected"].joint
        asked = (shown["next"].laterality, shown["next"].joint)
    assert sorted(seen) == [("L", "MCP2"), ("L", "MCP3"), ("R", "MCP2"), ("R", "MCP3")]
    assert asked == ("R", "MCP2")


def test_pairs_that_contradict_each_other_are_named_and_linked(world):
    patient = patient_with(world.a, 4, sides="R", off_mm=0.3)
    shown = joints_shown(world.trial_one, patient, asked=("R", "MCP2"))
    assert [joint.joint for joint in shown["contradicted"]] == ["MCP2"]
    names = {(first, second) for first, second, _ in shown["suspects"]}
    assert ("visit 2", "visit 3") in names
    text = page(world.trial_one, patient, query="?side=R&joint=MCP2")
    assert "Measurements contradict each other here." in text
    for *_, suspect in shown["suspects"]:
        assert reverse("measurements:measurement", args=[suspect.measurement]) in text


def test_the_mean_over_joints_has_its_slope_and_smallest_detectable_change(world):
    patient = patient_with(world.a, 3, ("MCP2", "PIP2"))
    visits = list(Timepoint.objects.filter(patient=patient))
    mean = mean_shown(world.trial_one, patient, visits)
    assert mean.trend.slope.mm_per_year == pytest.approx(MM_PER_YEAR / 2)
    assert [name for name, _ in mean.rows] == ["visit 1", "visit 2"]
    text = page(world.trial_one, patient)
    assert f"{mean.trend.sdc_mm:.3f} mm" in text and "over the 4 joints" in text


def test_the_list_of_patients_says_each_ones_mean_slope_in_no_more_queries(world):
    def list_of_patients() -> tuple[str, int]:
        client = Client()
        client.force_login(world.trial_one)
        address = reverse("studies:patients", args=[world.one.uuid])
        client.get(address)
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(address)
        return answer.content.decode(), len(seen)

    patient_with(world.a, 3, ("MCP2", "PIP2"))
    text, before = list_of_patients()
    assert "<b>+0.100</b>" in text
    patient_with(world.b, 3)
    assert list_of_patients()[1] == before


def test_the_report_names_code_models_and_dates_and_says_what_it_is_not(world):
    text = page(world.trial_one, patient_with(world.a, 3), "studies:report")
    assert "not a medical device" in text
    assert "code version 1.2.3; models registrar <code>abababababab</code>" in text
    assert "3 visits" in text and "2024-01-01" in text and "6 comparisons of two films" in text
    assert text.count('class="small joints"') == 2


def test_a_report_without_measurements_says_so(world):
    patient = PatientFactory(site=world.a)
    assert "Nothing measured yet" in page(world.trial_one, patient, "studies:report")


@pytest.mark.parametrize("name", ["studies:patient", "studies:report"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_joint_without_any_measurement_that_counts_is_shown_as_such(world, name, stored):
    patient = PatientFactory(site=world.a)
    films = [RadiographFactory(timepoint=TimepointFactory(patient=patient, ordinal=n)) for n in (0, 1)]
    measure(*films, ("MCP2",), 0.0, "unreliable")
    if stored:
        refresh_trends(patient, "L")
    text = page(world.trial_one, patient, name)
    assert "unreliable" in text and "No slope yet" in text


def test_the_report_is_nobodys_who_may_not_see_the_patient(world):
    patient = patient_with(world.a, 2)
    for person in (world.staff_b, world.staff_c, world.outsider):
        client = Client()
        client.force_login(person)
        assert client.get(reverse("studies:report", args=[patient.uuid])).status_code == 404


def test_who_reads_independently_is_not_told_what_others_flag(world):
    patient = patient_with(world.a, 3)
    measurement = JointMeasurement.objects.current().filter(joint="MCP2").first()
    flag(measurement=measurement, reader=world.reviewer_one, reason_code="mismatch")
    statuses = {
        shown: {
            joint.status for joint in joints_shown(world.trial_one, patient, show_flags=shown)["measured"]
        }
        for shown in (True, False)
    }
    assert "flagged" in statuses[True] and "flagged" not in statuses[False]
    assert "?side=" in page(world.reviewer_one, patient)
    assert 'class="badge flagged"' not in page(world.reviewer_one, patient, query="?side=R&joint=MCP2")


def test_the_overview_counts_reliability_by_site_and_by_machine_in_scope(world):
    from jsnsite.pages.overview import trust

    patient_with(world.a, 2)
    patient_with(world.b, 3)
    patient_with(world.c, 2)
    found = trust(world.trial_one, world.one)
    assert [(row.name, row.reliable, row.total) for row in found["sites"]] == [("a", 4, 4), ("b", 8, 8)]
    assert [(row.name, row.total) for row in found["machines"]] == [("Acme", 12)]
    assert [row.name for row in trust(world.staff_a, world.one)["sites"]] == ["a"]


def test_a_failed_comparison_of_two_later_visits_asks_for_attention(world):
    from jsnsite.pages.overview import attention

    patient = patient_with(world.a, 3, sides="R")
    first, second = Radiograph.objects.filter(timepoint__patient=patient).order_by("timepoint__ordinal")[1:]
    Run.objects.create(
        baseline=first,
        followup=second,
        attempt=2,
        input_key="again",
        state="failed",
        failure_code="broken",
        failure_message="It broke.",
        finished_at="2025-01-01T00:00Z",
    )
    assert [run.followup for run in attention(world.trial_one, world.one)["failed_runs"]] == [second]
