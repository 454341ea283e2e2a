"""A study to look at: two studies, three sites, films taken in by the real intake, results by the real recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO

import numpy as np

from jsnsite.accounts.models import User
from jsnsite.accounts.services import grant
from jsnsite.measurements.models import JointMeasurement, Run, RunState
from jsnsite.measurements.recording import Provenance, record_run
from jsnsite.measurements.services import claim_run
from jsnsite.radiographs.models import Radiograph
from jsnsite.radiographs.services import claim_radiograph, receive, record_joints
from jsnsite.scoping import Role
from jsnsite.studies.models import Patient, Site, Study, Timepoint
from tests.frontend.films import LocatedJoint, dicom_bytes, joint_result

PASSWORD = "correct horse battery staple"
PROVENANCE = Provenance(
    {"registrar": "sha256:" + "ab" * 32, "segmenter": "sha256:" + "cd" * 32}, "0.1.0+test"
)
START = date(2024, 3, 4)


@dataclass
class World:
    study: Study
    other_study: Study
    sites: list[Site]
    other_site: Site
    people: dict[str, User] = field(default_factory=dict)


def person(name: str, full_name: str, role: Role | None, study: Study, site: Site | None = None) -> User:
    first, last = full_name.rsplit(" ", 1)
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD, first_name=first, last_name=last)
    if role:
        grant(user=user, role=role, study=study, site=site)
    return user


def make_world() -> World:
    """Studies, sites and one person of each role; no patients yet."""
    study = Study.objects.create(
        code="HARMONY-RA", name="Joint space narrowing under early combination therapy"
    )
    other = Study.objects.create(code="OTHER-RA", name="Another trial altogether")
    sites = [
        Site.objects.create(study=study, code="BER", name="Charité Berlin"),
        Site.objects.create(study=study, code="SAP", name="Hokkaido University Hospital, Sapporo"),
    ]
    world = World(
        study, other, sites, Site.objects.create(study=other, code="LYO", name="Hospices civils de Lyon")
    )
    world.people = {
        "nurse": person("nurse", "Nora Nurse", Role.SITE_STAFF, study, sites[0]),
        "reader": person("reader", "Rita Reader", Role.REVIEWER, study),
        "trial": person("trial", "Stan Statistician", Role.TRIAL, study),
        "admin": person("admin", "Ada Admin", Role.STUDY_ADMIN, study),
        "stranger": person("stranger", "Olga Other", Role.SITE_STAFF, other, world.other_site),
    }
    return world


def add_patient(site: Site, code: str, visits: int = 3) -> Patient:
    patient = Patient.objects.create(site=site, code=code)
    for ordinal in range(visits):
        label = "baseline" if ordinal == 0 else f"month {6 * ordinal}"
        Timepoint.objects.create(
            patient=patient, ordinal=ordinal, date=START + timedelta(days=182 * ordinal), label=label
        )
    return patient


def add_film(
    timepoint: Timepoint, laterality: str, user: User, *, seed: int = 0, spacing_mm: float | None = 0.175
) -> Radiograph:
    """One film through the intake."""
    body = BytesIO(dicom_bytes(laterality, seed=seed, spacing_mm=spacing_mm))
    record = receive(
        file=body, name=f"{laterality}{seed}.dcm", timepoint=timepoint, laterality=None, user=user
    )
    assert record.radiograph is not None, record.message
    return record.radiograph


def make_ready(film: Radiograph) -> Radiograph:
    """As the locating task leaves it."""
    claimed = claim_radiograph(film.uuid)
    assert claimed is not None
    joints = [LocatedJoint(joint, 100.0, 100.0, 0.0, 128.0, 0.9) for joint in film.study.joints]
    return record_joints(claimed, joints)


def measure(run: Run, seed: int = 0) -> None:
    """As the measuring task leaves it: narrowing that grows with time, some joints in doubt."""
    random = np.random.default_rng(seed)
    claimed = claim_run(run.uuid)
    assert claimed is not None
    ordinal = run.followup.timepoint.ordinal
    visits = ordinal - run.baseline.timepoint.ordinal
    results = []
    for index, joint in enumerate(run.followup.study.joints):
        rate = (0.02, 0.22, 0.05, -0.03, 0.01, 0.1, 0.16, 0.04, 0.0, -0.06)[(index + seed) % 10]
        doubt = {
            6: ("review", ("poor_match_upper",)),
            9: ("unreliable", ("bones_overlap", "large_sigma")),
        }.get((index + 3 * ordinal + seed) % 10, ("reliable", ()))
        sigma = {"reliable": 0.03, "review": 0.09, "unreliable": 0.2}[doubt[0]]
        jsn_mm = rate * visits + float(random.normal(0, 0.02))
        results.append(
            joint_result(
                joint, jsn_mm, reliability=doubt[0], reasons=doubt[1], sigma_mm=sigma, seed=seed + index
            )
        )
    assert record_run(claimed, results, PROVENANCE)


def fill(patient: Patient, user: User, *, seed: int = 0, sides: str = "RL", measured: bool = True) -> None:
    """Films of both hands at every visit, ready and measured."""
    for timepoint in patient.timepoints.order_by("ordinal"):
        for place, side in enumerate(sides):
            make_ready(add_film(timepoint, side, user, seed=1000 * seed + 10 * timepoint.ordinal + place))
    if measured:
        for run in Run.objects.filter(followup__timepoint__patient=patient, state=RunState.QUEUED):
            measure(run, seed=seed + (run.baseline.laterality == "L"))


def a_measurement(patient: Patient, joint: str = "MCP2", laterality: str = "R") -> JointMeasurement:
    """The newest current measurement of a joint."""
    found = JointMeasurement.objects.current().filter(
        run__followup__timepoint__patient=patient, joint=joint, run__baseline__laterality=laterality
    )
    newest = found.order_by("-run__followup__timepoint__ordinal").first()
    assert newest is not None
    return newest
