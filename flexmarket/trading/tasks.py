"""What a worker does for offers and orders."""

from typing import Any

from django.core.exceptions import ValidationError

from flexmarket.engine.errors import OfferError
from flexmarket.models import MarketProduct
from flexmarket.trading.lifecycle import submit
from flexmarket.trading.offering import Wanted, offers_for, store_offers
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.models import ScheduleRun

MAKE_OFFERS = "make_offers"


def request_offers(
    *, run: ScheduleRun, product: MarketProduct, wanted: Wanted, submitted: bool, idempotency_key: str = ""
) -> Job:
    """Return the job that makes the offers of a plan for a product, and puts them on the market if `submitted`.

    Raises:
        ValidationError: for a product of another organization.
        JobConflictError: when the key belongs to another request.
    """
    if product.organization_id != run.organization_id:
        raise ValidationError({"product": f"product is {product.pk}; allowed: a product of the organization."})
    return enqueue(
        organization=run.organization,
        kind=MAKE_OFFERS,
        title=f"Offer {run.site.name} on {product.name}",
        input={
            "run": run.pk,
            "product": product.pk,
            "subjects": sorted(wanted.subjects),
            "directions": sorted(wanted.directions),
            "submitted": submitted,
        },
        idempotency_key=idempotency_key,
    )


def make(work: Work) -> dict[str, Any]:
    """Do a job of kind `make_offers`; doing it again after a lost worker makes nothing twice."""
    asked = work.input
    run = ScheduleRun.objects.select_related("site", "organization").filter(pk=asked["run"]).first()
    product = MarketProduct.objects.filter(pk=asked["product"]).first()
    if run is None or product is None:
        raise JobError("The plan or the product does not exist any more.")
    work.report(0.05, "Quantifying what can be held")
    wanted = Wanted(subjects=asked["subjects"], directions=asked["directions"])
    try:
        # Before the transaction, as it takes seconds and others want to write meanwhile.
        sets = offers_for(run=run, product=product, wanted=wanted)
        with work.writing():
            made = store_offers(run=run, product=product, sets=sets, wanted=wanted)
            if asked["submitted"] and made:
                submit(organization=run.organization, offers=made)
    except (OfferError, ValidationError) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise JobError(text) from error
    return {"run": run.pk, "offers": len(made)}
