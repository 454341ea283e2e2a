"""Clients for every person of the world, and rows of every kind at every site."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from jsnsite.accounts.models import User
from jsnsite.reviews import services as reviews
from jsnsite.reviews.assigning import assign
from jsnsite.studies.models import Site
from tests.jsnsite.factories import (
    MeasurementFactory,
    OutlineFactory,
    PatientFactory,
    RadiographFactory,
    RunFactory,
    TimepointFactory,
)

V1 = "/api/v1/"


@pytest.fixture(autouse=True)
def no_throttle_left_over():
    cache.clear()


@pytest.fixture
def client_of(world) -> Callable[[str | None], APIClient]:
    """``client_of("staff_a")``: who is signed in as this person; None is nobody."""

    def make(name: str | None) -> APIClient:
        client = APIClient()
        if name:
            client.force_authenticate(getattr(world, name))
        return client

    return make


@pytest.fixture
def everything(world, measured):
    """One row of every kind at each site."""
    for measurement in measured.values():
        reviews.accept(measurement=measurement, reader=world.superuser)
        OutlineFactory(radiograph=measurement.run.baseline, created_by=world.superuser)
        patient = measurement.run.baseline.timepoint.patient
        assign(patient=patient, reader=world.superuser, user=world.superuser)
    assign(
        patient=measured["a"].run.baseline.timepoint.patient, reader=world.reviewer_one, user=world.admin_one
    )
    return measured


def add_patient(site: Site, reader: User, *, followups: int = 2) -> None:
    """One more patient with measured, flagged follow-ups, one of whose runs was a retry."""
    patient = PatientFactory(site=site)
    assign(patient=patient, reader=reader, user=reader if reader.is_superuser else _superuser())
    baseline = RadiographFactory(timepoint=TimepointFactory(patient=patient, ordinal=0))
    OutlineFactory(radiograph=baseline, created_by=reader)
    for ordinal in range(1, followups + 1):
        followup = RadiographFactory(
            timepoint=TimepointFactory(patient=patient, ordinal=ordinal),
            superseded_by=None,
        )
        failed = RunFactory(baseline=baseline, followup=followup, state="queued")
        run = RunFactory(baseline=baseline, followup=followup, attempt=2, retry_of=failed)
        measurement = MeasurementFactory(run=run)
        reviews.flag(measurement=measurement, reader=reader, reason_code="overlap")


def _superuser() -> User:
    return User.objects.get(username="root")


def all_rows(client: APIClient, path: str, **query: object) -> list[dict]:
    """Every row of a list, page by page."""
    rows, response = [], client.get(path, query)
    while True:
        assert response.status_code == 200, response.json()
        rows += response.json()["results"]
        if response.json()["next"] is None:
            return rows
        response = client.get(response.json()["next"])
