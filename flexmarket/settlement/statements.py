"""Statements: drafted from deliveries as often as wanted, closed once, corrected by a new version only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from flexmarket.engine.market.states import OfferState
from flexmarket.engine.settlement import shares
from flexmarket.models import Contract, Delivery, Statement, StatementLine
from flexmarket.trading.lifecycle import change_state
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization

WITHOUT_CONTRACT = "Without contract"
Key = tuple[Contract | None, str]


@transaction.atomic
def draft_statements(*, organization: Organization, month: date) -> list[Statement]:
    """Return the statements of a local month as their newest deliveries make them, one per contract and currency.

    A draft is made anew; a closed statement whose deliveries have changed gets a new version, any other one stays. An
    order that was settled stays with the contract that settled it, whatever contracts say since.
    """
    month = month.replace(day=1)
    contracts = list(Contract.objects.filter(organization=organization).select_related("site", "portfolio"))
    by_contract: dict[Key, list[Delivery]] = defaultdict(list)
    settled = _settled_by(organization, month)
    for delivery in deliveries_of(organization, month):
        known = delivery.order_id in settled
        found = settled[delivery.order_id] if known else contract_of(delivery, contracts)
        by_contract[found, delivery.order.offer.product.currency].append(delivery)
    statements = [
        _drafted(organization, month, contract, currency, deliveries)
        for (contract, currency), deliveries in by_contract.items()
    ]
    return sorted(statements, key=lambda each: (each.contract_name, each.currency))


@transaction.atomic
def close_statement(*, statement: Statement, accept_gaps: bool = False) -> Statement:
    """Close a draft: from now on it never changes, and what it settles is settled.

    Raises:
        ValidationError: for a statement that is closed, that has no lines, whose month is not over, or which has steps
            without a measurement, unless these are accepted.
    """
    row = Statement.objects.select_for_update(of=("self",)).select_related("organization").get(pk=statement.pk)
    lines = list(row.lines.select_related("delivery__order__offer"))
    gaps = sum(line.unmeasured_steps for line in lines)
    over = timezone.now().astimezone(ZoneInfo(row.organization.time_zone)).date() >= row.next_month
    problems = {
        f"state is {row.state}; allowed: draft.": row.state != Statement.State.DRAFT,
        "The statement has no lines.": not lines,
        f"The month ends with {row.next_month - timedelta(days=1)}; until then the statement stays a draft.": not over,
        f"{gaps} steps were not measured; wait for their readings, or accept the gaps.": bool(gaps) and not accept_gaps,
    }
    if wrong := [text for text, holds in problems.items() if holds]:
        raise ValidationError({"statement": wrong})
    before = audit.snapshot(row)
    row.state, row.closed_at = Statement.State.CLOSED, timezone.now()
    row.save(update_fields=["state", "closed_at"])
    was, now = audit.changed(before, audit.snapshot(row))
    audit.record(organization=row.organization, action="statement.close", instance=row, before=was, after=now)
    earlier = Statement.objects.filter(
        organization=row.organization, contract=row.contract, month=row.month, currency=row.currency
    )
    earlier.filter(state=Statement.State.CLOSED, version__lt=row.version).update(state=Statement.State.CORRECTED)
    offers = [line.delivery.order.offer for line in lines if line.delivery.order.offer.state == OfferState.METERED]
    change_state(organization=row.organization, offers=offers, state=OfferState.SETTLED)
    return row


def deliveries_of(organization: Organization, month: date) -> list[Delivery]:
    """Return the newest delivery of each order that starts in a local month of its site; one query."""
    # A day more on both sides, as sites may be in any time zone.
    first = datetime.combine(month, time(), UTC) - timedelta(days=1)
    newest = Delivery.objects.filter(order=OuterRef("order")).order_by("-version").values("pk")[:1]
    rows = Delivery.objects.filter(
        organization=organization,
        pk=Subquery(newest),
        order__offer__start__gte=first,
        order__offer__start__lt=first + timedelta(days=34),
    ).select_related("order__offer__site__portfolio", "order__offer__asset", "order__offer__product")
    return [row for row in rows.order_by("order__offer__start", "id") if _local_day(row).replace(day=1) == month]


def contract_of(delivery: Delivery, contracts: Iterable[Contract]) -> Contract | None:
    """Return the contract of the day: the site's own, else that of its portfolio."""
    day, site = _local_day(delivery), delivery.order.offer.site
    valid = [each for each in contracts if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)]
    own = [each for each in valid if site is not None and each.site_id == site.pk]
    shared = [each for each in valid if site is not None and each.portfolio_id == site.portfolio_id]
    return next(iter([*own, *shared]), None)


def _settled_by(organization: Organization, month: date) -> dict[int, Contract | None]:
    """Return the contracts by which closed statements of a month settle orders; one query."""
    closed = {"organization": organization, "month": month, "state": Statement.State.CLOSED}
    lines = StatementLine.objects.filter(**{f"statement__{name}": value for name, value in closed.items()})
    rows = lines.select_related("statement__contract", "delivery")
    return {line.delivery.order_id: line.statement.contract for line in rows}


def _local_day(delivery: Delivery) -> date:
    offer = delivery.order.offer
    return offer.start.astimezone(offer.zone).date()


def _drafted(
    organization: Organization, month: date, contract: Contract | None, currency: str, deliveries: Sequence[Delivery]
) -> Statement:
    rows = Statement.objects.select_for_update().filter(
        organization=organization, contract=contract, month=month, currency=currency
    )
    newest = rows.order_by("-version").first()
    if newest is not None and newest.state != Statement.State.DRAFT and _covers(newest, deliveries):
        return newest
    statement = newest if newest is not None and newest.state == Statement.State.DRAFT else None
    before = audit.snapshot(statement) if statement else None
    statement = statement or Statement(
        organization=organization,
        contract=contract,
        month=month,
        currency=currency,
        version=newest.version + 1 if newest else 1,
    )
    statement.contract_name = contract.name if contract else WITHOUT_CONTRACT
    statement.owner_share = contract.owner_share if contract else Decimal(0)
    lines = [_line(statement, delivery) for delivery in deliveries]
    for name in ("amount", "owner_amount", "aggregator_amount"):
        setattr(statement, name, sum((getattr(line, name) for line in lines), Decimal(0)))
    statement.save()
    statement.lines.all().delete()
    StatementLine.objects.bulk_create(lines, batch_size=500)
    after = audit.snapshot(statement)
    was, now = audit.changed(before, after) if before else (None, after)
    if before is None or now:
        audit.record(organization=organization, action="statement.draft", instance=statement, before=was, after=now)
    return statement


def _covers(statement: Statement, deliveries: Sequence[Delivery]) -> bool:
    return set(statement.lines.values_list("delivery_id", flat=True)) == {each.pk for each in deliveries}


def _line(statement: Statement, delivery: Delivery) -> StatementLine:
    offer = delivery.order.offer
    owner, aggregator = shares(delivery.amount, statement.owner_share)
    return StatementLine(
        statement=statement,
        delivery=delivery,
        order=delivery.order.reference,
        product=offer.product.name,
        portfolio=offer.site.portfolio.name if offer.site else str(offer.portfolio),
        site=offer.site.name if offer.site else "",
        asset=offer.asset.name if offer.asset else "",
        start=offer.start,
        end=offer.end,
        ordered_kwh=delivery.ordered_kwh,
        delivered_kwh=delivery.delivered_kwh,
        missing_kwh=delivery.missing_kwh,
        unmeasured_steps=delivery.unmeasured_steps,
        payment=delivery.payment,
        penalty=delivery.penalty,
        amount=delivery.amount,
        owner_amount=owner,
        aggregator_amount=aggregator,
    )
