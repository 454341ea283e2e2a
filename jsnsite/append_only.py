"""Tables that are written once, and rules that reach across rows: guarded in Python and by database triggers.

SQLite drops a table's triggers when a later migration rebuilds the table (``AlterField`` and the like): such
a migration must repeat its guards. ``tests/jsnsite/test_guards.py`` compares what is there with ``EXPECTED``.
"""

from __future__ import annotations

from typing import Any, Literal

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

from jsnsite.errors import Immutable

Event = Literal["INSERT", "UPDATE", "DELETE"]


class AppendOnlyQuerySet:
    """Mixin, to be named before the queryset."""

    model: Any

    def update(self, **kwargs: Any) -> int:
        raise Immutable(self.model._meta.verbose_name)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise Immutable(self.model._meta.verbose_name)


class AppendOnlyModel(models.Model):
    """Abstract: rows can be added, never changed or deleted."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Immutable(self._meta.verbose_name or "")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise Immutable(self._meta.verbose_name or "")


def guard(table: str, event: Event, rule: str, condition: str = "1 = 1") -> RunPython:
    """A migration operation: refuse ``event`` on ``table`` where ``condition`` (SQL over OLD and NEW) holds.

    The database then raises an integrity error with ``rule`` in its text. Works on SQLite and PostgreSQL.
    """
    name = f"guard_{table}_{event.lower()}_{rule}"

    def forwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        for statement in _create(schema_editor.connection.vendor, name, table, event, rule, condition):
            schema_editor.execute(statement)

    def backwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            schema_editor.execute(f"DROP TRIGGER {name}")

    return RunPython(forwards, backwards, elidable=False)


def append_only(table: str) -> list[RunPython]:
    """Migration operations: rows of ``table`` can be added, never changed or deleted."""
    return [guard(table, "UPDATE", "append_only"), guard(table, "DELETE", "append_only")]


def _create(vendor: str, name: str, table: str, event: Event, rule: str, condition: str) -> list[str]:
    message = f"{table}: {rule}"
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ]
    if vendor == "postgresql":
        returned = "OLD" if event == "DELETE" else "NEW"
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
            f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            f"RETURN {returned}; END $$",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    raise NotImplementedError(f"No triggers for {vendor}; use SQLite or PostgreSQL.")
