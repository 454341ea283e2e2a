"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


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
