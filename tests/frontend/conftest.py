"""A real Chromium on a live server. Tests say what a person sees; ``page_of`` signs somebody in."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from tests.frontend.world import World, make_world

# Playwright runs an event loop in this thread. Django then asks for permission to touch the database, and would
# open a connection for each async context; a thread keeps its one connection instead.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
connections._connections = threading.local()  # type: ignore[assignment]


@pytest.fixture(scope="session")
def live_server(django_db_setup: None) -> Iterator[LiveServer]:
    """pytest-django's, but made after the test database: made before, it takes that for one in memory and shares
    this thread's connection with the server's threads.
    """
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests play the worker themselves."""
    monkeypatch.setattr("jsnsite.queue._send", lambda task, public_id: None)


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser's console complained about; a test ends with none, blocked content included."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def page_of(
    browser: Browser, live_server: LiveServer, world: World, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """``page_of("nurse", "/")``: a page of this person, signed in. ``None`` is nobody."""
    contexts: list[BrowserContext] = []

    def open_page(who: str | None, path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        if who:
            client = Client()
            client.force_login(world.people[who])
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
            )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: _note(complaints, message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(complaints: list[str], kind: str, text: str) -> None:
    # a page that answers 404 or 403 on purpose is no complaint
    if "Content Security Policy" in text or (kind == "error" and "status of 40" not in text):
        complaints.append(text)
