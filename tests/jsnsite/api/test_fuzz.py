"""Whatever stands in the address, a list answers with rows or says what is wrong with it."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jsnsite.exports.filters import RESERVED
from jsnsite.exports.urls import router
from tests.jsnsite.api.conftest import V1

LISTS = {prefix: viewset for prefix, viewset, _ in router.registry}

VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.uuids().map(str),
    st.binary(max_size=12).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(
        ["", "true", "L", "MCP2", "reliable", "P-a", "one", "a", "json", "csv", "0", "1", "\x00", "' OR 1=1 --",
         "cD0=", "bz0tMQ==", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "0001-01-01", "9999-12-31", "٣", "1e400", "{}"]
    ),
)  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_no_query_breaks_a_list(everything, client_of, name):
    client = client_of("trial_one")
    known = sorted({*LISTS[name].filterset_class.base_filters, *RESERVED})
    names = st.one_of(st.sampled_from(known), st.text(min_size=1, max_size=8))
    queries = st.dictionaries(names, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=4)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(query=queries)
    def ask(query):
        cache.clear()
        response = client.get(f"{V1}{name}/", query)
        if response.status_code == 200:
            assert "results" in response.json() if not response.streaming else response.getvalue()
        else:
            # 404: a form (``format``) that does not exist
            assert response.status_code == 400 or (response.status_code == 404 and "format" in query)
            assert response.json()

    ask()


@given(path=st.text(max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_id_breaks_a_detail(world, client_of, path):
    from urllib.parse import quote

    response = client_of("trial_one").get(f"{V1}measurements/x{quote(path, safe='')}/")
    assert response.status_code == 404
