"""The demo study on paper and in the database."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deploy.demo import comparison, films, people, protocol, study
from jsnsite.accounts.models import Membership, User
from jsnsite.measurements.models import JointTrend
from jsnsite.measurements.pairing import pairs_of
from jsnsite.radiographs.models import Radiograph
from jsnsite.scoping import Role
from jsnsite.studies.models import Patient, Study, Timepoint


@pytest.fixture(scope="module")
def hand() -> films.Series:
    """The first two films of one hand, rendered."""
    plan = next(plan for plan in protocol.series() if plan.key == "C-202-R")
    return films.take(replace(plan, films=plan.films[:2]))


@pytest.fixture
def demo(db: None, settings, tmp_path: Path) -> Study:
    settings.MEDIA_ROOT = tmp_path / "private"
    demo = study.make_study()
    people.make_accounts(demo)
    study.enrol(demo, protocol.PATIENTS)
    return demo


def test_the_plan_has_three_sites_eight_patients_and_both_hands() -> None:
    plans = list(protocol.series())
    assert len({plan.patient.site.code for plan in plans}) == 3
    assert len({plan.patient.code for plan in plans}) == 8
    assert {len(plan.films) for plan in plans} == {3, 4}
    assert sum(len(plan.films) for plan in plans) == 56
    assert sum(len(pairs_of(len(plan.films))) for plan in plans) == 72
    assert all(film.date < later.date for plan in plans for film, later in zip(plan.films, plan.films[1:]))  # noqa: B905


def test_the_plan_is_the_same_at_every_start() -> None:
    assert list(protocol.series()) == list(protocol.series())


def test_some_joints_narrow_and_most_stay() -> None:
    last = [plan.films[-1].jsn_mm for plan in protocol.series()]
    narrowing = [mm for film in last for mm in film.values()]
    assert 0.1 < len(narrowing) / (len(last) * len(protocol.JOINTS)) < 0.5
    assert max(narrowing) <= protocol.MOST_NARROWING_MM
    assert all(not plan.films[0].jsn_mm for plan in protocol.series())


def test_films_are_the_same_at_every_start(hand: films.Series) -> None:
    assert films.take(hand.plan) == hand


def test_the_truth_is_what_the_films_show(hand: films.Series) -> None:
    assert [(row.timepoint, row.joint) for row in hand.truth] == [(1, joint) for joint in protocol.JOINTS]
    put_in = hand.plan.films[1].jsn_mm
    for row in hand.truth:
        assert row.jsn_mm == pytest.approx(put_in.get(row.joint, 0.0), abs=0.15)


def test_films_go_through_the_ordinary_intake_once(demo: Study, hand: films.Series, tmp_path: Path) -> None:
    assert study.file(demo, hand, tmp_path) == 2
    assert study.file(demo, hand, tmp_path) == 0
    assert study.missing(demo, [hand.plan], tmp_path) == []
    film = Radiograph.objects.get(timepoint__ordinal=1)
    assert film.timepoint.patient.code == "C-202"
    assert film.uploaded_by.username == "coast"
    assert {row.patient for row in study.read_truth(tmp_path)} == {"C-202"}


def test_a_hand_whose_truth_was_lost_is_taken_again(demo: Study, hand: films.Series, tmp_path: Path) -> None:
    study.file(demo, hand, tmp_path)
    (tmp_path / "C-202-R.json").unlink()
    assert study.missing(demo, [hand.plan], tmp_path) == [hand.plan]


def test_every_role_has_an_account_and_a_second_start_changes_nothing(demo: Study) -> None:
    assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)
    assert User.objects.filter(is_superuser=True).count() == 1
    mine = User.objects.get(username="reader1")
    mine.set_password("my own words now")
    mine.save()
    counts = [model.objects.count() for model in (User, Membership, Patient, Timepoint)]
    people.make_accounts(demo)
    study.enrol(study.make_study(), protocol.PATIENTS)
    assert counts == [model.objects.count() for model in (User, Membership, Patient, Timepoint)]
    mine.refresh_from_db()
    assert mine.check_password("my own words now")


def test_the_token_is_made_once_and_for_its_owner_only(demo: Study, tmp_path: Path) -> None:
    file = tmp_path / "api_token"
    token = people.api_token(file)
    assert people.api_token(file) == token
    assert file.stat().st_mode & 0o077 == 0


def test_the_demo_refuses_any_but_the_local_settings(settings) -> None:
    settings.SETTINGS_MODULE = "jsnsite.settings.production"
    with pytest.raises(CommandError, match="local settings"):
        call_command("demo", stdout=StringIO())


def test_trends_are_compared_with_the_truth_of_every_visit(demo: Study) -> None:
    patient = Patient.objects.get(code="N-101")
    points = [
        {"ordinal": 0, "jsn_mm": 0.0, "sigma_mm": 0.0, "reliability": "baseline", "reasons": []},
        {"ordinal": 1, "jsn_mm": 0.15, "sigma_mm": 0.02, "reliability": "reliable", "reasons": []},
        {
            "ordinal": 2,
            "jsn_mm": None,
            "sigma_mm": None,
            "reliability": "unreliable",
            "reasons": ["not_connected"],
        },
    ]
    JointTrend.objects.create(
        patient=patient, laterality="L", joint="MCP2", reliability="reliable", points=points,
        n_pairs=1, chi2=0.0, dof=0,
    )  # fmt: skip
    truth = [films.Truth("N-101", "L", timepoint, "MCP2", 0.1) for timepoint in (1, 2)]
    found = comparison.compare_trends(demo, truth)
    assert [row.error_mm for row in found] == [pytest.approx(0.05), None]
    assert [row.reliability for row in found] == ["reliable", "unreliable"]


def compared(jsn_mm: float | None, truth_mm: float, reliability: str = "reliable") -> comparison.Compared:
    truth = films.Truth("P", "L", 1, "MCP2", truth_mm)
    return comparison.Compared(truth, jsn_mm, None if jsn_mm is None else 0.05, reliability, ())


def test_the_comparison_sums_up_errors_coverage_and_mismatches() -> None:
    rows = [compared(0.1, 0.1), compared(0.3, 0.1), compared(0.9, 0.1, "review")]
    rows.append(compared(None, 0.1, "unreliable"))
    text = "\n".join(comparison.summary(rows, "Pairs"))
    measured, reliable = (
        line.split() for line in text.splitlines() if line.split()[:1] in (["measured"], ["reliable"])
    )
    assert measured[1:] == ["3", "0.476", "+0.333", "0.200", "1", "33%"]
    assert reliable[1:] == ["2", "0.141", "+0.100", "0.100", "0", "50%"]
    assert "50% of 4 joints" in text


def test_the_comparison_shows_each_joint_beside_its_truth() -> None:
    text = "\n".join(comparison.table([compared(0.3, 0.1), compared(None, 0.1, "unreliable")]))
    assert "P, left hand, timepoint 1" in text
    assert "+0.300    0.098   +0.100   +0.200  reliable" in text
    assert "-" in text.splitlines()[-1]
