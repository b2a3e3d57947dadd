"""What the clock does for markets: ends offers and deletes old ones, meters calls, renews plans."""

import logging

from django_scopes import scopes_disabled

from flexmarket.models import MarketOffer, Order, RollingOperation
from flexmarket.settlement.metering import meter_due
from flexmarket.trading.lifecycle import delete_old, expire
from flexmarket.trading.rolling import replan_due
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.celery import app

log = logging.getLogger(__name__)
CLOCK = "clock"


@app.task(name="flexmarket.tend_market", expires=60)
def tend_market() -> None:
    """End offers whose time is over, delete old ones, meter calls that are over, and ask for plans that are due.

    Doing it twice changes nothing; what fails for one organization is logged and leaves the others.
    """
    for organization in _with_work():
        with organization_scope(organization), acting(CLOCK, Door.TASK):
            try:
                expired = expire(organization=organization)
                deleted = delete_old(organization=organization)
                metered, failed = meter_due(organization=organization)
                jobs = replan_due(organization=organization)
            except Exception:
                log.exception("The market of %s could not be tended.", organization.slug)
                continue
        for order, why in failed:
            log.warning("Order %s of %s cannot be metered: %s", order.reference, organization.slug, why)
        if expired or deleted or metered or jobs:
            log.info(
                "%s: %d offers expired, %d old ones deleted, %d calls metered, %d plans asked for.",
                organization.slug,
                expired,
                deleted,
                len(metered),
                len(jobs),
            )


def _with_work() -> list[Organization]:
    with scopes_disabled():
        tables = (MarketOffer, Order, RollingOperation)
        busy = {
            pk for table in tables for pk in table.objects.order_by().values_list("organization", flat=True).distinct()
        }
        return list(Organization.objects.filter(pk__in=busy).order_by("pk"))
