"""What other apps make of a plan in a portfolio run, handed over from their `apps.py`; such as offers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flexplatform.registry import Registry
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.models import ScheduleRun


@dataclass(frozen=True)
class AfterPlanning:
    """`prepare` computes something from one site's plan, `store` writes it for many runs, in their transaction.

    `prepare` raises `JobError` with the reason where it cannot; the plan is stored all the same.
    """

    name: str
    prepare: Callable[[SiteProblem, Schedule], Any]
    store: Callable[[Sequence[tuple[ScheduleRun, Any]]], None]
    order: int = 50


after_planning: Registry[AfterPlanning] = Registry()
