"""The kinds of background work, handed over by apps from their `apps.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import IntegerChoices

from flexplatform.registry import Registry

if TYPE_CHECKING:
    from flexplatform.jobs.models import Job
    from flexplatform.jobs.work import Work

Result = dict[str, Any]


class Priority(IntegerChoices):
    """Which waiting job goes first, the lowest number."""

    NOW = 0, "Somebody waits"
    LATER = 10, "When nobody waits"


def _nowhere(_job: "Job") -> str | None:
    return None


@dataclass(frozen=True)
class JobKind:
    """Work of one kind.

    `run` does it inside the tenant's scope and returns ids as JSON. It may run again after a worker was lost, so it
    looks for what an earlier attempt stored, and writes inside `work.writing()` only. `result_url` returns the page
    of a finished job's result. Work that is handed out in parts (parts.py) has `conclude`, which returns the result
    once the last part has ended; its page is shown from the start.
    """

    name: str
    label: str
    run: Callable[["Work"], Result]
    view_permission: str
    run_permission: str
    result_url: Callable[["Job"], str | None] = _nowhere
    order: int = 50
    priority: Priority = Priority.NOW
    conclude: Callable[["Job"], Result] | None = None


@dataclass(frozen=True)
class FollowUp:
    """What another app does in the same job after the work of kind `after`; it gets the result and adds to it.

    The rules of `JobKind.run` hold.
    """

    name: str
    after: str
    run: Callable[["Work", Result], Result]
    order: int = 50


job_kinds: Registry[JobKind] = Registry()
follow_ups: Registry[FollowUp] = Registry()


def job_kind(name: str) -> JobKind | None:
    """Return the registered kind of this name."""
    return next((kind for kind in job_kinds if kind.name == name), None)
