"""Stored trends follow whatever counts: results, verdicts, films that take another's place."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from itertools import combinations
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from jsnsite import queue
from jsnsite.measurements import queries, services
from jsnsite.measurements.models import EVERYBODY, JointTrend
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import receive
from jsnsite.reviews import services as reviews
from jsnsite.scoping import Role
from tests.jsnsite.dicoms import make_dicom
from tests.jsnsite.factories import (
    MeasurementFactory,
    PatientFactory,
    RadiographFactory,
    RunFactory,
    TimepointFactory,
    member,
)
from tests.jsnsite.results import result

PROVENANCE = services.Provenance({"registrar": "abc"}, "1.0")
MM_PER_YEAR = 0.2


@pytest.fixture(autouse=True)
def nothing_sent():
    with patch.object(queue.app, "send_task"):
        yield


def films_of(site, visits=4, laterality="L", patient=None):
    """Ready films of a hand, half a year apart."""
    patient = patient or PatientFactory(site=site)
    return [
        RadiographFactory(
            timepoint=patient.timepoints.filter(ordinal=n).first()
            or TimepointFactory(
                patient=patient,
                ordinal=n,
                date=date(2024, 1, 1) + timedelta(days=183 * n),
                label=f"visit {n}",
            ),
            laterality=laterality,
        )
        for n in range(visits)
    ]


def jsn_mm(first, second) -> float:
    return MM_PER_YEAR * 183 / 365.25 * (second.timepoint.ordinal - first.timepoint.ordinal)


def measure(first, second, off_by_mm=0.0, attempt=1, **values):
    run = RunFactory(baseline=first, followup=second, attempt=attempt)
    return MeasurementFactory(run=run, jsn_mm=jsn_mm(first, second) + off_by_mm, **values)


def measure_all(films, **values):
    """Every pair of the films, exactly; by their ordinals."""
    found = {
        (first.timepoint.ordinal, second.timepoint.ordinal): measure(first, second, **values)
        for first, second in combinations(films, 2)
    }
    services.refresh_trends(films[0].timepoint.patient)
    return found


@pytest.fixture
def films(world):
    return films_of(world.a)


def the_trend(films, joint="MCP2") -> JointTrend:
    return JointTrend.objects.get(
        audience=EVERYBODY, patient=films[0].timepoint.patient, laterality=films[0].laterality, joint=joint
    )


def verdicts(films) -> list[tuple[str, list[str]]]:
    return [(point["reliability"], point["reasons"]) for point in the_trend(films).points]


RELIABLE = ("reliable", [])
BASELINE = ("baseline", [])


def test_a_trend_holds_every_visit_its_slope_and_its_smallest_detectable_change(films):
    measure_all(films)
    trend = the_trend(films)
    assert [point["ordinal"] for point in trend.points] == [0, 1, 2, 3]
    assert [point["jsn_mm"] for point in trend.points] == pytest.approx(
        [jsn_mm(films[0], film) for film in films]
    )
    assert [point["timepoint"] for point in trend.points] == [str(film.timepoint.uuid) for film in films]
    assert trend.points[0]["sigma_mm"] == 0 < trend.points[1]["sigma_mm"] < 0.02
    assert verdicts(films) == [BASELINE, RELIABLE, RELIABLE, RELIABLE]
    assert trend.slope_mm_per_year == pytest.approx(MM_PER_YEAR)
    assert 0 < trend.slope_sigma_mm_per_year < 0.02
    assert 0.03 < trend.sdc_mm < 0.04
    assert (trend.n_pairs, trend.dof, trend.suspects) == (6, 3, [])


def test_recording_a_run_brings_its_joints_into_their_trends(films):
    runs = services.schedule_pairs(films[0])
    assert len(runs) == 6 and not JointTrend.objects.exists()
    for number, run in enumerate(runs):
        mm = jsn_mm(run.baseline, run.followup)
        assert services.record_run(services.claim_run(run.uuid), [result("MCP2", mm)], PROVENANCE)
        assert the_trend(films).n_pairs == number + 1
    assert the_trend(films).slope_mm_per_year == pytest.approx(MM_PER_YEAR)
    unmeasured = the_trend(films, "PIP3")
    assert (unmeasured.reliability, unmeasured.n_pairs, unmeasured.sdc_mm) == ("unreliable", 0, None)
    assert {point["jsn_mm"] for point in unmeasured.points[1:]} == {None}


def test_a_corrected_joint_is_estimated_anew_and_the_others_stay(films):
    measure_all(films)
    measure(films[0], films[1], attempt=2, joint="PIP3")
    services.refresh_trends(films[0].timepoint.patient)
    assert the_trend(films).n_pairs == 6
    measure(films[0], films[1], attempt=3, off_by_mm=0.001)
    services.refresh_trends(films[0].timepoint.patient)
    assert the_trend(films).n_pairs == 6 and the_trend(films).chi2 > 0


def test_a_pair_that_a_reader_flags_does_not_count_until_that_is_withdrawn(world, films):
    pairs = measure_all(films)
    for flagged in ((0, 2), (1, 2)):  # evidence between later films as well
        reviews.flag(measurement=pairs[flagged], reader=world.reviewer_one, reason_code="mismatch")
        assert the_trend(films).n_pairs == 5
        assert verdicts(films)[2] == RELIABLE
        reviews.withdraw(measurement=pairs[flagged], reader=world.reviewer_one)
        assert the_trend(films).n_pairs == 6


def test_doubtful_pairs_count_where_nothing_else_connects_and_the_point_says_so(world, films):
    pairs = {}
    for first, second in combinations(films, 2):
        doubtful = films[3] in (first, second)
        pairs[first.timepoint.ordinal, second.timepoint.ordinal] = measure(
            first, second, reliability="review" if doubtful else "reliable"
        )
    services.refresh_trends(films[0].timepoint.patient)
    assert verdicts(films)[1:] == [RELIABLE, RELIABLE, ("review", ["only_doubtful_pairs"])]
    assert (the_trend(films).n_pairs, the_trend(films).reliability) == (6, "review")
    reviews.accept(measurement=pairs[1, 3], reader=world.reviewer_one)
    assert verdicts(films)[3] == RELIABLE
    # now that a reader vouches for one, the other doubtful ones are not needed
    assert (the_trend(films).n_pairs, the_trend(films).reliability) == (4, "reliable")
    second_reader = member(Role.REVIEWER, world.one)
    reviews.flag(measurement=pairs[1, 3], reader=second_reader, reason_code="overlap")
    assert (the_trend(films).n_pairs, the_trend(films).reliability) == (5, "review")


def test_unreliable_pairs_never_count(films):
    for first, second in combinations(films[:2], 2):
        measure(first, second, reliability="unreliable")
    services.refresh_trends(films[0].timepoint.patient)
    assert verdicts(films[:1]) == [BASELINE, ("unreliable", ["not_connected"])]
    assert the_trend(films).reliability == "unreliable" and the_trend(films).slope_mm_per_year is None


def test_a_wrong_pair_is_named_left_out_and_asks_for_a_reader_until_it_is_flagged(world, films):
    pairs = {}
    for first, second in combinations(films, 2):
        places = first.timepoint.ordinal, second.timepoint.ordinal
        pairs[places] = measure(first, second, off_by_mm=0.5 if places == (1, 3) else 0.0)
    services.refresh_trends(films[0].timepoint.patient)
    (suspect,) = the_trend(films).suspects
    assert suspect["measurement"] == str(pairs[1, 3].uuid) and suspect["excluded"]
    assert (suspect["baseline_ordinal"], suspect["followup_ordinal"]) == (1, 3)
    assert verdicts(films) == [BASELINE, ("review", ["misclosure"]), RELIABLE, ("review", ["misclosure"])]
    assert the_trend(films).slope_mm_per_year == pytest.approx(MM_PER_YEAR)
    reviews.flag(measurement=pairs[1, 3], reader=world.reviewer_one, reason_code="mismatch")
    assert the_trend(films).suspects == [] and the_trend(films).reliability == "reliable"


def test_a_replaced_film_takes_its_pairs_with_it(films):
    measure_all(films)
    Radiograph.objects.filter(pk=films[2].pk).update(current=False)
    new = RadiographFactory(timepoint=films[2].timepoint, state="queued")
    services.refresh_trends(films[0].timepoint.patient)
    assert [point["ordinal"] for point in the_trend(films).points] == [0, 1, 3]
    for other in (films[0], films[1]):
        measure(other, new)
    measure(new, films[3])
    services.refresh_trends(films[0].timepoint.patient)
    assert [point["ordinal"] for point in the_trend(films).points] == [0, 1, 2, 3]


def test_an_upload_in_the_place_of_a_film_shows_in_the_trend_at_once(world, films):
    measure_all(films)
    receive(
        file=make_dicom(), name="again.dcm", timepoint=films[2].timepoint, laterality="L", user=world.staff_a
    )
    assert not Radiograph.objects.get(pk=films[2].pk).current
    assert [point["ordinal"] for point in the_trend(films).points] == [0, 1, 3]


def test_an_earlier_film_that_comes_late_is_the_baseline_at_once(world):
    films = films_of(world.a)
    patient, first = films[0].timepoint.patient, films[0].timepoint
    Radiograph.objects.filter(pk=films.pop(0).pk).update(current=False)
    measure_all(films)
    assert the_trend(films).n_pairs == 3
    receive(file=make_dicom(), name="late.dcm", timepoint=first, laterality="L", user=world.staff_a)
    assert the_trend(films).n_pairs == 0
    assert queries.trends(world.staff_a, patient) == {}


def test_a_visit_s_corrected_date_changes_the_slope(world, films, client):
    measure_all(films)
    client.force_login(world.superuser)
    last = films[3].timepoint
    address = reverse("admin:studies_timepoint_change", args=[last.pk])
    changed = {"patient": last.patient_id, "ordinal": last.ordinal, "date": "2027-01-01", "label": ""}
    assert client.post(address, changed).status_code == 302
    assert the_trend(films).points[3]["date"] == "2027-01-01"
    assert the_trend(films).slope_mm_per_year < MM_PER_YEAR


def test_without_its_baseline_film_a_trend_has_no_numbers_until_the_new_one_is_measured(films):
    measure_all(films)
    Radiograph.objects.filter(pk=films[0].pk).update(current=False)
    new = RadiographFactory(timepoint=films[0].timepoint, state="queued")
    services.refresh_trends(films[0].timepoint.patient)
    assert the_trend(films).n_pairs == 0 and the_trend(films).slope_mm_per_year is None
    measure(new, films[1])
    services.refresh_trends(films[0].timepoint.patient)
    # one pair leads the new film to all that is known of the others
    assert [point["jsn_mm"] for point in the_trend(films).points] == pytest.approx(
        [jsn_mm(films[0], film) for film in films]
    )


def test_the_next_film_is_the_baseline_of_a_trend_where_the_first_one_failed(films):
    measure_all(films)
    Radiograph.objects.filter(pk=films[0].pk).update(state="failed", failure_code="no_hand_found")
    services.refresh_trends(films[0].timepoint.patient)
    assert [point["ordinal"] for point in the_trend(films).points] == [1, 2, 3]
    assert the_trend(films).slope_mm_per_year == pytest.approx(MM_PER_YEAR)


def test_a_hand_whose_films_are_gone_has_no_trend(films):
    measure_all(films)
    Radiograph.objects.filter(pk__in=[film.pk for film in films]).update(current=False)
    services.refresh_trends(films[0].timepoint.patient)
    assert not JointTrend.objects.exists()


def test_trends_can_be_built_again_and_are_the_same(world, films):
    measure_all(films)
    measure_all(films_of(world.c), joint="PIP3")
    before = list(JointTrend.objects.order_by("pk").values())
    for row in before:
        del row["updated"]
    JointTrend.objects.update(slope_mm_per_year=9.0, points=[])
    output = StringIO()
    call_command("rebuild_trends", study="two", stdout=output)
    assert "1 trends of 2 patients" in output.getvalue()
    assert the_trend(films).slope_mm_per_year == 9.0
    call_command("rebuild_trends", stdout=StringIO())
    after = list(JointTrend.objects.order_by("pk").values())
    for row in after:
        del row["updated"]
    assert after == before
    with pytest.raises(CommandError, match="no study"):
        call_command("rebuild_trends", study="nowhere")


def test_pairs_that_an_earlier_version_did_not_compare_can_be_sent(films):
    with patch.object(services, "pairs_of", lambda n: [(0, later) for later in range(1, n)]):
        assert len(services.schedule_pairs(films[0])) == 3
    output = StringIO()
    call_command("rebuild_trends", schedule=True, stdout=output)
    assert "left hand: 3 pairs sent" in output.getvalue()


def test_refreshing_takes_as_many_queries_for_many_films_as_for_few(world, django_assert_num_queries):
    for visits in (2, 6):
        films = films_of(world.a, visits)
        measure_all(films)
        with django_assert_num_queries(12):  # two for the transaction
            services.refresh_trends(films[0].timepoint.patient, "L")


def test_a_page_gets_estimates_beside_the_pairs_from_the_baseline(world, films):
    pairs = measure_all(films)
    trend = queries.trend(world.staff_a, films[0].timepoint.patient, "L", "MCP2")
    assert [point.measurement for point in trend.points] == [pairs[0, n].uuid for n in (1, 2, 3)]
    assert [estimate.ordinal for estimate in trend.estimates] == [0, 1, 2, 3]
    assert [estimate.label for estimate in trend.estimates] == ["visit 0", "visit 1", "visit 2", "visit 3"]
    assert [point.estimate for point in trend.points] == trend.estimates[1:]
    assert trend.points[0].estimate.half_width_mm == pytest.approx(
        1.96 * trend.estimates[1].jsn_sigma_mm, 1e-3
    )
    assert trend.slope.low_mm_per_year < MM_PER_YEAR < trend.slope.high_mm_per_year
    assert trend.slope.differs_from_zero and trend.reliability == "reliable"
    value, sigma = trend.slope.at(films[3].timepoint.date)
    assert value == pytest.approx(jsn_mm(films[0], films[3])) and 0 < sigma < 0.02
    middle = trend.slope.at(films[0].timepoint.date + timedelta(days=275))[1]
    assert middle < sigma


def test_the_mean_over_joints_leaves_out_what_is_not_reliable(world, films):
    left, right = films, films_of(world.a, laterality="R", patient=films[0].timepoint.patient)
    measure_all(left)
    measure_all(left, attempt=2, joint="MCP3")
    measure_all(right)
    measure_all(right, attempt=2, joint="MCP3", reliability="review")
    found = queries.patient_trend(world.staff_a, films[0].timepoint.patient)
    assert [(point.ordinal, point.n_joints) for point in found.points] == [(1, 3), (2, 3), (3, 3)]
    assert [point.jsn_mm for point in found.points] == pytest.approx([jsn_mm(films[0], f) for f in films[1:]])
    assert found.n_joints == 3
    assert found.slope.mm_per_year == pytest.approx(MM_PER_YEAR)
    one = the_trend(films)
    of_three = (2 + 2 * 0.3 + 1) ** 0.5 / 3  # two that share films, and one of the other hand
    assert found.sdc_mm == pytest.approx(one.sdc_mm * of_three)
    assert found.slope.sigma_mm_per_year == pytest.approx(one.slope_sigma_mm_per_year * of_three)
    assert found.latest.jsn_sigma_mm == pytest.approx(one.points[3]["sigma_mm"] * of_three)
    assert found.latest.half_width_mm == pytest.approx(1.96 * found.latest.jsn_sigma_mm, rel=1e-3)


def test_means_of_many_patients_take_one_query(world, django_assert_num_queries):
    patients = []
    for _ in range(3):
        films = films_of(world.b, 2)
        measure_all(films)
        patients.append(films[0].timepoint.patient)
    with django_assert_num_queries(1):
        found = queries.patient_trends(world.staff_b, patients)
    assert set(found) == {patient.pk for patient in patients}


@pytest.mark.parametrize("who", ["staff_b", "staff_c", "outsider"])
def test_trends_out_of_scope_do_not_exist(world, films, who):
    measure_all(films)
    patient, person = films[0].timepoint.patient, getattr(world, who)
    assert queries.trends(person, patient) == {}
    assert queries.patient_trend(person, patient) is None
    assert not queries.joint_trends(person).exists()
    assert queries.joint_trends(world.trial_one).count() == 1


def test_a_pair_of_later_films_is_evidence_until_it_is_measured_again(films):
    pairs = measure_all(films)
    assert queries.is_evidence(pairs[1, 2]) and not queries.is_current(pairs[1, 2])
    assert queries.is_current(pairs[0, 2]) and not queries.is_evidence(pairs[0, 2])
    measure(films[1], films[2], attempt=2)
    assert not queries.is_evidence(pairs[1, 2])


def test_progress_counts_all_pairs_and_reliability_those_from_the_baseline(world, films):
    measure_all(films)
    progress = queries.progress(world.staff_a, patient=films[0].timepoint.patient)
    assert (progress.done, progress.reliable) == (6, 3)
    assert queries.runs(world.staff_a).count() == 3
    assert queries.runs(world.staff_a, from_baseline=False).count() == 6
    assert queries.current_measurements(world.staff_a).count() == 3
