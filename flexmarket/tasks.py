"""What a worker does for offers."""

from typing import Any

from flexmarket.engine.errors import OfferError
from flexmarket.services import offer_flexibility
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.work import Work
from optimization.models import ScheduleRun

OFFERING = 0.95


def offer_after_planning(work: Work, result: dict[str, Any]) -> dict[str, Any]:
    """Quantify the flexibility of the run that the job made; doing it again replaces the offers."""
    work.report(OFFERING, "Quantifying flexibility")
    run = ScheduleRun.objects.select_related("site").get(pk=result["run"])
    try:
        with work.writing():
            offers = offer_flexibility(run=run)
    except OfferError as error:
        raise JobError(f"The plan is stored, but its flexibility could not be quantified: {error}") from error
    return {"offers": len(offers)}
