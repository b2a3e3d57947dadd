"""The triggers that keep audit events as they were written, for both databases."""

from typing import Any

from django.db import connections

TABLE = "accounts_auditevent"
MESSAGE = "audit events are append-only"

CREATE = {
    "sqlite": [
        f"""CREATE TRIGGER audit_no_{what} BEFORE {what.upper()} ON {TABLE}
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"""
        for what in ("update", "delete")
    ],
    "postgresql": [
        f"""CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        f"""CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
        f"""CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
    ],
}
DROP = {
    "sqlite": ["DROP TRIGGER IF EXISTS audit_no_update", "DROP TRIGGER IF EXISTS audit_no_delete"],
    "postgresql": ["DROP FUNCTION IF EXISTS audit_append_only() CASCADE"],
}


def create(alias: str = "default") -> None:
    """Make the database refuse to change or delete an audit event."""
    _run(alias, CREATE)


def drop(alias: str = "default") -> None:
    """Undo `create`, for migrations backwards and for tests that empty their database."""
    _run(alias, DROP)


def _run(alias: str, statements: dict[str, list[str]]) -> None:
    connection: Any = connections[alias]
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
