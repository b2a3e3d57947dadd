"""The demo's offers: what each schedule of the coming day could do differently."""

import logging

from flexmarket.models import FlexibilityOffers
from flexmarket.services import offer_flexibility
from flexplatform.registry import DemoContext, DemoProblem
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)


def make_offers(context: DemoContext) -> list[DemoProblem]:
    """Quantify and price the flexibility of every run that has no offers yet."""
    problems = []
    done = FlexibilityOffers.objects.values("run")
    for run in ScheduleRun.objects.select_related("site").exclude(pk__in=done).order_by("site__name"):
        context.progress(run.site.name)
        try:
            offer_flexibility(run=run)
        except Exception as error:
            log.info("The flexibility of %s could not be quantified.", run, exc_info=True)
            problems.append(DemoProblem(run.site.name, str(error)))
    return problems
