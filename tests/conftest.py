"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from deploy.setup.chromium import find_chromium

BUILT = (Path(__file__).resolve().parents[1] / "frontend/dist/manifest.json").exists()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not BUILT:
        pytest.fail("The pages are not built: run `make setup`.")
    quiet = [
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    return browser_type_launch_args | {"executable_path": str(find_chromium()), "args": quiet}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterable[None]:
    """Tests with real transactions empty SQLite's tables by DELETE, which append-only triggers refuse.

    The triggers step aside for that moment only and come back as they were. (PostgreSQL empties by TRUNCATE.)
    """
    from django.db import connection

    if connection.vendor != "sqlite":
        yield
        return
    operations = connection.ops
    flush = operations.execute_sql_flush

    def without_triggers(sql_list: Iterable[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            try:
                flush(sql_list)
            finally:
                for _, sql in triggers:
                    cursor.execute(sql)

    operations.execute_sql_flush = without_triggers  # type: ignore[method-assign]
    yield
    operations.execute_sql_flush = flush  # type: ignore[method-assign]
