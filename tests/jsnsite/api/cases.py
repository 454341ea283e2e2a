"""What every viewset promises. A test class inherits it and names its address and its model."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.jsnsite.api.conftest import V1, add_patient, all_rows

#: Whose sites are whose: study one has sites a and b, study two has c.
SEES = {
    "staff_a": "a",
    "staff_c": "c",
    "reviewer_one": "ab",
    "reviewer_b": "b",
    "trial_one": "ab",
    "admin_one": "ab",
    "outsider": "",
    "superuser": "abc",
}
#: Keys that would tell who did what with which file, or how many rows there are.
FORBIDDEN_KEYS = {
    "id", "pk", "file", "file_name", "preview", "artifact", "sha256", "uploaded_by", "claim_token", "reader",
    "created_by", "count",
}  # fmt: skip


class ViewSetCases:
    name: ClassVar[str]
    #: Lookup from the model to the code of its site.
    to_site: ClassVar[str]
    model: ClassVar[Any]
    writable: ClassVar[bool] = False
    #: Who sees all of study one.
    viewer: ClassVar[str] = "trial_one"

    @property
    def path(self) -> str:
        return f"{V1}{self.name}/"

    def uuids(self, *site_codes: str) -> set[str]:
        rows = self.model.objects.filter(**{f"{self.to_site}__in": site_codes})
        return {str(uuid) for uuid in rows.values_list("uuid", flat=True)}

    def seen_by(self, who: str) -> set[str]:
        """The public ids of what a person of the world sees."""
        return self.uuids(*SEES[who])

    def one_at(self, site_code: str) -> str:
        return f"{self.path}{sorted(self.uuids(site_code))[0]}/"

    @pytest.mark.parametrize("who", SEES)
    def test_a_list_holds_exactly_the_rows_in_scope(self, everything, client_of, who):
        rows = all_rows(client_of(who), self.path)
        assert {row["uuid"] for row in rows} == self.seen_by(who)
        assert len(rows) == len({row["uuid"] for row in rows})

    def test_one_row_is_the_same_as_in_the_list(self, everything, client_of):
        client = client_of(self.viewer)
        for row in all_rows(client, self.path):
            assert client.get(f"{self.path}{row['uuid']}/").json() == row

    def test_what_is_out_of_scope_looks_like_what_does_not_exist(self, everything, client_of):
        absent = client_of("staff_a").get(f"{self.path}{uuid4()}/")
        for who, elsewhere in (("staff_a", "b"), ("staff_a", "c"), (self.viewer, "c"), ("outsider", "a")):
            if self.one_at(elsewhere) == self.one_at("a") and who != "outsider":
                continue  # a study is seen from any of its sites
            response = client_of(who).get(self.one_at(elsewhere))
            assert response.status_code == 404
            assert response.json() == absent.json()

    def test_nobody_gets_nothing_unless_signed_in(self, everything, client_of):
        for path in (self.path, self.one_at("a")):
            response = client_of(None).get(path)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Token"
        assert client_of(None).post(self.path).status_code == 401

    @pytest.mark.parametrize("who", ["trial_one", "superuser"])
    def test_rows_are_not_changed_over_rest(self, everything, client_of, who):
        client = client_of(who)
        for method in (client.put, client.patch, client.delete):
            assert method(self.one_at("a"), {}, format="json").status_code == 405
        if not self.writable:
            assert client.post(self.path, {}, format="json").status_code == 405

    def test_pages_are_bounded_and_together_are_the_list(self, everything, client_of, world):
        add_patient(world.a, world.reviewer_one)
        client = client_of("superuser")
        whole = all_rows(client, self.path)
        first = client.get(self.path, {"page_size": 1}).json()
        assert set(first) == {"next", "previous", "results"}
        assert len(first["results"]) == 1
        assert all_rows(client, self.path, page_size=2) == whole
        for size in ("0", "-1", "1001", "many", "9" * 30, "1.5"):
            assert client.get(self.path, {"page_size": size}).status_code == 400

    def test_the_number_of_queries_does_not_grow_with_the_rows(self, everything, client_of, world):
        client = client_of(self.viewer)

        def queries() -> tuple[int, int]:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                rows = client.get(self.path).json()["results"]
            return len(captured), len(rows)

        few, rows_before = queries()
        for site in (world.a, world.b):
            add_patient(site, world.reviewer_one)
        many, rows_after = queries()
        assert many == few <= 3
        assert rows_after > rows_before or self.name in ("studies", "sites")

    def test_nothing_of_people_files_or_counts_is_told(self, everything, client_of, world):
        response = client_of("superuser").get(self.path)
        rows = response.json()["results"]
        assert rows and not {key for row in rows for key in row} & FORBIDDEN_KEYS
        for secret in ("reviewer_one", world.superuser.username, "@example.org", ".dcm", ".png"):
            assert secret.encode() not in response.content

    def test_no_cache_keeps_an_answer(self, everything, client_of):
        for path in (self.path, self.one_at("a")):
            headers = client_of(self.viewer).get(path).headers
            assert "no-store" in headers["Cache-Control"] and "private" in headers["Cache-Control"]

    @pytest.mark.parametrize(
        "query",
        [
            {"nonsense": "1"},
            {"study": ""},
            {"cursor": "cD1mb28="},
            {"cursor": "cj0xJnA9eA=="},
        ],
    )
    def test_a_parameter_that_is_not_understood_is_refused(self, everything, client_of, query):
        response = client_of(self.viewer).get(self.path, query)
        assert response.status_code == 400
        assert set(response.json()) == set(query)
