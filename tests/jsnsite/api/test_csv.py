"""Measurements as CSV: the same rows as the JSON, streamed, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO

from django.db import connection
from django.test.utils import CaptureQueriesContext

from jsnsite.exports import viewsets
from jsnsite.exports.csv_stream import cell, streamed
from jsnsite.measurements.api.serializers import MeasurementSerializer
from jsnsite.studies.models import Patient
from tests.jsnsite.api.conftest import V1, add_patient, all_rows
from tests.jsnsite.factories import MeasurementFactory, RadiographFactory, RunFactory, TimepointFactory

PATH = f"{V1}measurements/"


def fetch(client, **query) -> list[dict[str, str]]:
    response = client.get(PATH, query | {"format": "csv"})
    assert response.status_code == 200 and response.streaming
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(response.getvalue().decode())))


def test_the_csv_says_what_the_json_says(everything, world, client_of):
    client = client_of("trial_one")
    for site in (world.a, world.b):
        add_patient(site, world.reviewer_one)
    for query in ({}, {"all": "true"}, {"site": "a"}, {"flagged": "true"}, {"joint": "PIP5"}):
        rows = {row["uuid"]: row for row in fetch(client, **query)}
        pages = all_rows(client, PATH, page_size=2, **query)
        assert len(rows) == len(pages)
        for row in pages:
            assert rows[row["uuid"]] == {name: str(cell(value)) for name, value in row.items()}


def test_columns_and_rows_come_in_the_same_order_every_time(everything, world, client_of):
    add_patient(world.a, world.reviewer_one)
    client = client_of("trial_one")
    text = client.get(PATH, {"format": "csv"}).getvalue()
    assert client.get(PATH, headers={"Accept": "text/csv"}).getvalue() == text
    assert text.split(b"\r\n")[0].decode().split(",") == MeasurementSerializer.Meta.fields
    places = [(row["site_code"], row["patient_code"], row["followup_ordinal"]) for row in fetch(client)]
    assert places == sorted(places) and len(places) == 4


def test_a_list_without_rows_still_has_its_header(everything, client_of):
    text = client_of("outsider").get(PATH, {"format": "csv"}).getvalue().decode()
    assert text.count("\r\n") == 1 and text.startswith("uuid,study_code,")


def test_no_cell_is_a_formula_and_negative_numbers_stay_numbers(world, client_of):
    patient = Patient.objects.create(site=world.a, code='=HYPERLINK("http://x","é, ü")')
    baseline = RadiographFactory(timepoint=TimepointFactory(patient=patient, ordinal=0))
    run = RunFactory(baseline=baseline, code_version="+1")
    MeasurementFactory(run=run, jsn_mm=-0.5)
    (row,) = fetch(client_of("staff_a"))
    assert row["patient_code"] == '\'=HYPERLINK("http://x","é, ü")'
    assert row["code_version"] == "'+1"
    assert float(row["jsn_mm"]) == -0.5
    for start in "=+-@\t\r\n":
        assert cell(f"{start}1") == f"'{start}1" and cell([f"{start}1"]) == f"'{start}1"


def test_rows_are_read_only_as_they_are_sent():
    read = []

    def rows():
        for number in range(100_000):
            read.append(number)
            yield number

    response = streamed(rows(), lambda number: {"n": number}, ["n"], file_name="n.csv")
    next(iter(response.streaming_content))
    assert len(read) < 20_000


def test_queries_grow_with_the_fetches_and_not_with_the_rows(everything, world, client_of, monkeypatch):
    for site in (world.a, world.b):
        add_patient(site, world.reviewer_one, followups=3)
    client = client_of("trial_one")
    with CaptureQueriesContext(connection) as one_fetch:
        assert len(fetch(client)) == 8
    assert len(one_fetch) <= 3
    monkeypatch.setattr(viewsets, "ROWS_PER_FETCH", 4)
    with CaptureQueriesContext(connection) as two_fetches:
        fetch(client)
    assert len(two_fetches) == len(one_fetch) + 1


def test_the_csv_holds_only_what_is_in_scope(everything, client_of):
    assert {row["site_code"] for row in fetch(client_of("staff_a"))} == {"a"}
    assert {row["site_code"] for row in fetch(client_of("superuser"))} == {"a", "b", "c"}
    assert client_of(None).get(PATH, {"format": "csv"}).status_code == 401
