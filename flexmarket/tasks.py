"""What a worker does for offers."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from flexmarket.engine.errors import OfferError
from flexmarket.engine.methods import quantify
from flexmarket.engine.table import FlexTable
from flexmarket.services import offer_flexibility, store_offers
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.work import Work
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)

OFFERING = 0.95
WITHOUT_OFFERS = "The plan is stored, but its flexibility could not be quantified: {error}"


def offer_after_planning(work: Work, result: dict[str, Any]) -> dict[str, Any]:
    """Quantify the flexibility of the run that the job made; doing it again replaces the offers."""
    work.report(OFFERING, "Quantifying flexibility")
    run = ScheduleRun.objects.select_related("site").get(pk=result["run"])
    try:
        with work.writing():
            offers = offer_flexibility(run=run)
    except OfferError as error:
        raise JobError(WITHOUT_OFFERS.format(error=error)) from error
    return {"offers": offers}


def offer_after_replanning(work: Work, result: dict[str, Any]) -> dict[str, Any]:
    """Quantify the rest of a plan that was renewed; the plan counts also where that cannot be done."""
    if result["run"] is None or not result.get("changed", True):
        return {}
    run = ScheduleRun.objects.select_related("site").get(pk=result["run"])
    try:
        with work.writing():
            return {"tables": offer_flexibility(run=run)}
    except OfferError:
        log.exception("The flexibility of run %d could not be quantified", run.pk)
        return {"tables": 0}


def tables_of_plan(problem: SiteProblem, plan: Schedule) -> dict[str, FlexTable]:
    """Return the flexibility of a site of a portfolio run, before anything is stored.

    Raises:
        JobError: says why it could not be quantified.
    """
    try:
        return quantify(problem, plan)
    except OfferError as error:
        raise JobError(WITHOUT_OFFERS.format(error=error)) from error


def offer_of_many(tables: Sequence[tuple[ScheduleRun, Mapping[str, FlexTable]]]) -> None:
    """Store the flexibility of the runs of a chunk."""
    store_offers(tables=tables)
