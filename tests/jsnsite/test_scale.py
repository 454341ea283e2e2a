"""A trial's size: what the pages ask of the database does not grow with the study."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from itertools import combinations, product
from random import Random
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver, resolve, reverse
from django.utils import timezone

from jsnsite.accounts.models import User
from jsnsite.measurements.current import refresh_current
from jsnsite.measurements.models import JointMeasurement, JointTrend, Run, RunState
from jsnsite.radiographs.models import Radiograph
from jsnsite.reviews import assigning
from jsnsite.reviews.models import Assignment, Read
from jsnsite.scoping import Role
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Patient, Study, Timepoint
from tests.jsnsite.factories import SiteFactory, StudyFactory, member

VISITS = 8
SITES = 5
#: Of ten measurements two are in doubt.
RELIABILITIES = ("reliable",) * 8 + ("review", "unreliable")
#: Queries of one change of assignments, two of them for the transaction.
N_CHANGE = 8


def trial() -> tuple[Study, dict[str, User]]:
    """A study with five sites, no patients yet, and somebody who reads and somebody who does not."""
    study = StudyFactory(code="trial", joints=list(JOINTS))
    for number in range(SITES):
        SiteFactory(study=study, code=f"s{number}")
    roles = (Role.REVIEWER, Role.STUDY_ADMIN)
    return study, {role.value: member(role, study, username=role.value) for role in roles}


def grow(study: Study, n_patients: int, reader: User, *, every_pair: bool = False) -> None:
    """Add patients with eight visits, films of both hands, pairs of films measured at every joint, and a reader who
    is asked to read all and has judged some. Without ``every_pair``, as pages show it, pairs with the baseline only.
    """
    random = Random(n_patients)
    sites, start = list(study.sites.all()), study.patients.count()
    patients = Patient.objects.bulk_create(
        Patient(site=sites[n % SITES], study=study, code=f"P{start + n:04}") for n in range(n_patients)
    )
    timepoints = Timepoint.objects.bulk_create(
        Timepoint(patient=patient, ordinal=ordinal, date=_date(ordinal))
        for patient in patients
        for ordinal in range(VISITS)
    )
    films = Radiograph.objects.bulk_create(
        _film(study, timepoint, side, reader) for timepoint in timepoints for side in "RL"
    )
    runs = Run.objects.bulk_create(_runs(films, every_pair=every_pair))
    measurements = JointMeasurement.objects.bulk_create(
        _measurement(run, joint, random) for run in runs for joint in JOINTS
    )
    Read.objects.bulk_create(
        Read(measurement=measurement, reader=reader, verdict="accepted") for measurement in measurements[::97]
    )
    for patient, side in product(patients, "RL"):
        refresh_current(patient, side)
    JointTrend.objects.bulk_create(_trends(timepoints))
    Assignment.objects.bulk_create(
        Assignment(patient=patient, reader=reader, created_by=reader) for patient in patients
    )
    if connection.vendor == "postgresql":  # autovacuum does not see what this transaction has written
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _date(ordinal: int) -> datetime.date:
    return datetime.date(2020, 1, 1) + datetime.timedelta(days=182 * ordinal)


def _film(study: Study, timepoint: Timepoint, side: str, uploader: User) -> Radiograph:
    return Radiograph(
        timepoint=timepoint,
        study=study,
        laterality=side,
        file="radiographs/none.dcm",
        preview="previews/none.png",
        sha256=hashlib.sha256(f"{timepoint.pk}{side}".encode()).hexdigest(),
        rows=2000,
        columns=1500,
        bits=12,
        photometric="MONOCHROME2",
        manufacturer=f"Maker {timepoint.patient.site_id % 3}",
        pixel_spacing_mm=0.143,
        spacing_source="pixel_spacing",
        state="ready",
        uploaded_by=uploader,
    )


def _runs(films: list[Radiograph], *, every_pair: bool) -> Iterator[Run]:
    """Pairs of films of a hand, done."""
    hands: dict[tuple[int, str], list[Radiograph]] = {}
    for film in films:
        hands.setdefault((film.timepoint.patient_id, film.laterality), []).append(film)
    now = timezone.now()
    for hand in hands.values():
        for first, second in combinations(hand, 2) if every_pair else product(hand[:1], hand[1:]):
            yield Run(
                baseline=first,
                followup=second,
                attempt=1,
                input_key="key",
                state=RunState.DONE,
                claimed_at=now,
                finished_at=now,
            )


def _measurement(run: Run, joint: str, random: Random) -> JointMeasurement:
    reliability = random.choice(RELIABILITIES)
    return JointMeasurement(
        run=run,
        joint=joint,
        jsn_mm=random.gauss(0.1, 0.05),
        jsn_sigma_mm=random.uniform(0.01, 0.1),
        reliability=reliability,
        reasons=[] if reliability == "reliable" else ["large_sigma"],
    )


def _trends(timepoints: list[Timepoint]) -> Iterator[JointTrend]:
    points: dict[Patient, list[dict[str, object]]] = {}
    for timepoint in timepoints:
        points.setdefault(timepoint.patient, []).append(
            {
                "timepoint": str(timepoint.uuid),
                "ordinal": timepoint.ordinal,
                "date": timepoint.date.isoformat(),
                "jsn_mm": 0.05 * timepoint.ordinal,
                "sigma_mm": 0.02 if timepoint.ordinal else 0.0,
                "reliability": "reliable" if timepoint.ordinal else "baseline",
                "reasons": [],
            }
        )
    for (patient, known), audience in product(points.items(), ("", "unread")):
        for side in "RL":
            for joint in JOINTS:
                yield JointTrend(
                    patient=patient,
                    laterality=side,
                    joint=joint,
                    audience=audience,
                    reliability="reliable",
                    points=known,
                    slope_mm_per_year=0.1,
                    slope_sigma_mm_per_year=0.01,
                    intercept_mm=0.0,
                    intercept_sigma_mm=0.01,
                    intercept_slope_covariance=-0.0001,
                    sdc_mm=0.06,
                    n_pairs=28,
                    chi2=20.0,
                    dof=21,
                )


#: Addresses that are no page: what they take does not depend on the study, or they only take something in.
NO_PAGES = {
    "accounts:revoke_token", "exports:docs", "exports:schema", "measurements:layers", "measurements:retry",
    "radiographs:laterality", "radiographs:masks", "radiographs:outline", "radiographs:pixels",
    "radiographs:place", "radiographs:preview", "radiographs:retry", "radiographs:side", "radiographs:spacing",
    "radiographs:upload", "reviews:read", "reviews:share",
}  # fmt: skip
REST = (
    "annotations", "assignments", "measurements", "outlines", "patients", "radiographs", "reads", "runs",
    "sites", "studies", "timepoints", "trends",
)  # fmt: skip


def pages(study: Study, role: Role) -> dict[str, str]:
    """The addresses of a study's pages that a role has, those of a patient for its first."""
    patient = study.patients.order_by("code").first()
    film = Radiograph.objects.filter(timepoint__patient=patient, laterality="R").order_by("pk")[1]
    joint = JointMeasurement.objects.filter(run__followup=film).first()
    overview, worklist = reverse("studies:study", args=[study.uuid]), reverse("reviews:worklist")
    shown = reverse("measurements:measurement", args=[joint.uuid])
    found = {
        "home": reverse("studies:home"),
        "overview": overview,
        "overview with reliability": f"{overview}?reliability",
        "progress": reverse("studies:progress", args=[study.uuid]),
        "patients": reverse("studies:patients", args=[study.uuid]),
        "patients of a site": reverse("studies:patients", args=[study.uuid]) + f"?site={patient.site.uuid}",
        "patient": reverse("studies:patient", args=[patient.uuid]),
        "report": reverse("studies:report", args=[patient.uuid]),
        "timepoint": reverse("studies:timepoint", args=[film.timepoint.uuid]),
        "films": reverse("studies:films", args=[film.timepoint.uuid]),
        "film": reverse("radiographs:film", args=[film.uuid]),
        "worklist": worklist,
        "worklist, any": f"{worklist}?reliability=any&status=all",
        "worklist, any of all": f"{worklist}?whose=all&reliability=any&status=all",
        "worklist, any to read": f"{worklist}?reliability=any",
        "worklist, accepted": f"{worklist}?reliability=any&status=accepted",
        "joint": shown,
        "joint of the worklist": f"{shown}?list=worklist",
        "joint of the worklist, any": f"{shown}?list=worklist&reliability=any&status=all",
        "profile": reverse("accounts:profile"),
    }
    if role == Role.STUDY_ADMIN:
        found["readers"] = reverse("reviews:assignments", args=[study.uuid])
    return found | {f"REST {name}": f"/api/v1/{name}/" for name in REST}


def test_no_page_is_left_out(db):
    study, people = trial()
    grow(study, 1, people[Role.REVIEWER])
    seen = {resolve(urlsplit(address).path).view_name for address in pages(study, Role.STUDY_ADMIN).values()}
    names = {
        f"{app}:{pattern.name}"
        for app, (_prefix, patterns) in get_resolver().namespace_dict.items()
        if app in ("accounts", "exports", "measurements", "radiographs", "reviews", "studies")
        for pattern in patterns.url_patterns
        if isinstance(pattern, URLPattern) and pattern.name
    }
    assert names - seen == NO_PAGES


def queries(person: User, addresses: dict[str, str]) -> dict[str, int]:
    """How many queries each page takes, after what is asked once a session."""
    client = Client()
    client.force_login(person)
    client.get(addresses["home"])
    counts = {}
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200, name
        counts[name] = len(seen)
    return counts


@pytest.fixture
def counts_as_it_grows(db: None) -> list[dict[str, dict[str, int]]]:
    """Queries by role and page, at 3 and at 30 patients: one page of the list and two."""
    study, people = trial()
    found = []
    for n_patients in (3, 27):
        grow(study, n_patients, people[Role.REVIEWER])
        found.append({role: queries(person, pages(study, Role(role))) for role, person in people.items()})
    return found


def test_no_page_takes_more_queries_for_more_patients(counts_as_it_grows):
    few, many = counts_as_it_grows
    assert few == many
    assert max(n for pages_of_role in many.values() for n in pages_of_role.values()) <= 30


def test_ticks_of_the_readers_page_take_no_queries_of_their_own(db, django_assert_num_queries):
    study, people = trial()
    patients = Patient.objects.bulk_create(
        Patient(site=study.sites.first(), study=study, code=f"P{n}") for n in range(12)
    )
    reader, administrator = people[Role.REVIEWER], people[Role.STUDY_ADMIN]
    for some in (patients[:2], patients[2:]):
        with django_assert_num_queries(N_CHANGE):
            assigning.change(add=[(patient, reader) for patient in some], remove=[], user=administrator)
    assert Assignment.objects.count() == Assignment.history.count() == 12
    assert assigning.change(add=[(patients[0], reader)], remove=[], user=administrator) == 1
    with django_assert_num_queries(N_CHANGE - 1 + 12):  # a line of history for each, too
        assigning.change(add=[], remove=[(patient, reader) for patient in patients], user=administrator)
    assert not Assignment.objects.exists()
    assert Assignment.history.filter(history_type="-").count() == 12
