"""Two studies and three sites, with a person in every role: the smallest world in which scope can be
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from jsnsite.accounts.models import User
from jsnsite.measurements.models import JointMeasurement
from jsnsite.scoping import Role
from jsnsite.studies.models import Site, Study, Timepoint
from tests.jsnsite.factories import (
    MeasurementFactory,
    PatientFactory,
    SiteFactory,
    StudyFactory,
    TimepointFactory,
    UserFactory,
    member,
)


@dataclass
class World:
    """Study one has sites a and b, study two has site c. Each site has a patient with timepoints 0 and 1."""

    one: Study
    two: Study
    a: Site
    b: Site
    c: Site
    staff_a: User
    staff_b: User
    staff_c: User
    reviewer_one: User
    reviewer_b: User
    trial_one: User
    admin_one: User
    outsider: User
    superuser: User

    def timepoints(self, site: Site) -> list[Timepoint]:
        return list(Timepoint.objects.filter(patient__site=site).order_by("ordinal"))


@pytest.fixture
def world(db: None, settings, tmp_path) -> World:
    settings.MEDIA_ROOT = tmp_path / "private"
    one, two = StudyFactory(code="one"), StudyFactory(code="two")
    a, b = SiteFactory(study=one, code="a"), SiteFactory(study=one, code="b")
    c = SiteFactory(study=two, code="c")
    for site in (a, b, c):
        patient = PatientFactory(site=site, code=f"P-{site.code}")
        for ordinal in (0, 1):
            TimepointFactory(patient=patient, ordinal=ordinal)
    return World(
        one,
        two,
        a,
        b,
        c,
        staff_a=member(Role.SITE_STAFF, one, a, username="staff_a"),
        staff_b=member(Role.SITE_STAFF, one, b, username="staff_b"),
        staff_c=member(Role.SITE_STAFF, two, c, username="staff_c"),
        reviewer_one=member(Role.REVIEWER, one, username="reviewer_one"),
        reviewer_b=member(Role.REVIEWER, one, b, username="reviewer_b"),
        trial_one=member(Role.TRIAL, one, username="trial_one"),
        admin_one=member(Role.STUDY_ADMIN, one, username="admin_one"),
        outsider=UserFactory(username="outsider"),
        superuser=UserFactory(username="root", is_superuser=True, is_staff=True),
    )


@pytest.fixture
def measured(world: World) -> dict[str, JointMeasurement]:
    """One current measurement per site, by the site's code."""
    found = {}
    for site in (world.a, world.b, world.c):
        first, second = world.timepoints(site)
        found[site.code] = MeasurementFactory(
            run__baseline__timepoint=first,
            run__followup=_film(second),
        )
    return found


def _film(timepoint: Timepoint):
    from tests.jsnsite.factories import RadiographFactory

    return RadiographFactory(timepoint=timepoint)
