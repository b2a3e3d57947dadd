"""From the meter to the money: to the cent, once, corrected by a new version only."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError

from assets.models import Site
from flexmarket.engine.baselines import BaselineError
from flexmarket.engine.market.states import OfferState
from flexmarket.models import Contract, Delivery, MarketProduct, Order, Statement
from flexmarket.settlement.disputes import answer_dispute, raise_dispute
from flexmarket.settlement.metering import meter_due, meter_order, settled
from flexmarket.settlement.statements import close_statement, draft_statements
from flexmarket.trading.products import create_contract
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from telemetry.models import Rollup
from tests.conftest import People
from tests.flexmarket.settlement.calls import CALL, NOW, a_call, a_product, measured

D = Decimal
OCTOBER = date(2026, 10, 1)


@pytest.fixture(autouse=True)
def in_a(people: People, acts: None) -> Iterator[None]:
    with organization_scope(people.a), time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def product(people: People) -> MarketProduct:
    return a_product(people.a)


def contract_for(people: People, share: str = "0.7", **of: object) -> Contract:
    values = {"name": f"Contract {share}", "owner_share": share, "valid_from": date(2026, 1, 1), **of}
    return create_contract(organization=people.a, values=values)


def state_of(order: Order) -> str:
    order.offer.refresh_from_db()
    return order.offer.state


def test_a_call_is_metered_from_its_own_quarter_hours(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    # Baseline 12 kW: the quarter-hours before and after the call do not count.
    measured(order.offer.site, CALL - timedelta(minutes=15), [12.0, 2.0, 2.0, 4.5, 12.0, 99.0])
    delivery = meter_order(order=order)
    assert (delivery.ordered_kwh, delivery.delivered_kwh, delivery.missing_kwh) == (10, D("6.875"), D("3.125"))
    assert (delivery.payment, delivery.penalty, delivery.amount) == (D("1.38"), D("1.56"), D("-0.18"))
    order.refresh_from_db()
    assert (order.state, state_of(order)) == (Order.State.DELIVERED, OfferState.METERED)
    assert meter_order(order=order) == delivery


def test_late_readings_make_a_new_version(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    measured(order.offer.site, CALL, [2.0, 2.0, None, 2.0])
    made, failed = meter_due(organization=people.a)
    assert [(each.unmeasured_steps, each.amount) for each in made] == [(1, D("1.50"))]
    assert failed == []
    measured(order.offer.site, CALL + timedelta(minutes=30), [2.0])
    made, _ = meter_due(organization=people.a)
    assert [(each.version, each.unmeasured_steps, each.amount) for each in made] == [(2, 0, D("2.00"))]
    assert meter_due(organization=people.a) == ([], [])


def test_a_quarter_hour_of_few_readings_was_not_measured(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    channel = measured(order.offer.site, CALL, [2.0, 2.0, 2.0, 2.0])
    Rollup.objects.filter(channel=channel, start=CALL).update(count=3, total=6.0)
    assert meter_order(order=order).unmeasured_steps == 1


def test_what_cannot_be_metered_yet_is_told_with_its_reason(people: People) -> None:
    order = a_call(people.a, a_product(people.a, baseline_method="rolling_5_days"))
    made, failed = meter_due(organization=people.a)
    assert (made, [(each.pk, said) for each, said in failed]) == (
        [],
        [(order.pk, "Only 0 measured working days without a call lie before; 5 are needed.")],
    )
    with pytest.raises(BaselineError):
        meter_order(order=order)
    assert not Delivery.objects.exists()


def test_a_public_holiday_of_the_sites_country_is_no_working_day(people: People) -> None:
    # Monday, 4 May 2026, 12:00 in Berlin; the Friday before is a holiday in Germany.
    start = datetime.fromisoformat("2026-05-04T10:00:00+00:00")
    order = a_call(people.a, a_product(people.a, baseline_method="rolling_5_days"), start=start)
    assert order.offer.site is not None
    for days, power in ((3, 50.0), (4, 5.0), (5, 5.0), (6, 5.0), (7, 5.0), (10, 5.0)):
        measured(order.offer.site, start - timedelta(days=days), [power] * 4)
    measured(order.offer.site, start, [-5.0] * 4)
    for country, baseline in (("DE", 5.0), ("NL", 14.0)):
        Site.objects.filter(pk=order.offer.site_id).update(country=country)
        _, found, _ = settled(Order.objects.get(pk=order.pk))
        assert list(found) == [baseline] * 4


def test_days_before_are_those_of_the_local_clock(people: People) -> None:
    # 26 October 2026 is the day after the end of summer time: 12:00 is 11:00 UTC then, and 10:00 UTC before.
    start = datetime.fromisoformat("2026-10-26T11:00:00+00:00")
    order = a_call(people.a, a_product(people.a, baseline_method="rolling_5_days"), start=start)
    for days in (3, 4, 5, 6, 7):
        measured(order.offer.site, start - timedelta(days=days, hours=1), [5.0] * 4)
    measured(order.offer.site, start, [-5.0] * 4)
    assert meter_order(order=order).delivered_kwh == 10


def test_a_statement_adds_up_to_the_cent_and_shares_by_contract(people: People, product: MarketProduct) -> None:
    own = a_call(people.a, product, "own")
    shared = a_call(people.a, product, "shared", start=CALL + timedelta(days=1))
    alone = a_call(people.a, product, "alone", start=CALL + timedelta(days=2))
    other_month = a_call(people.a, product, "november", start=CALL + timedelta(days=25))
    for order in (own, shared, alone, other_month):
        measured(order.offer.site, order.offer.start, [2.0, 2.0, 2.0, 3.3])
        meter_order(order=order)
    assert own.offer.site is not None
    assert shared.offer.site is not None
    contract_for(people, "0.7", site=own.offer.site)
    contract_for(people, "0.333", portfolio=shared.offer.site.portfolio)
    found = {each.contract_name: each for each in draft_statements(organization=people.a, month=date(2026, 10, 9))}
    # 9.675 kWh paid by 0.2, 0.325 kWh fined by 0.5.
    amounts = {name: (each.amount, each.owner_amount, each.aggregator_amount) for name, each in found.items()}
    assert amounts == {
        "Contract 0.7": (D("1.78"), D("1.25"), D("0.53")),
        "Contract 0.333": (D("1.78"), D("0.59"), D("1.19")),
        "Without contract": (D("1.78"), D("0.00"), D("1.78")),
    }
    assert [line.order for line in found["Contract 0.7"].lines.all()] == ["own"]
    again = draft_statements(organization=people.a, month=OCTOBER)
    assert {each.pk for each in again} == {each.pk for each in found.values()}
    assert AuditEvent.objects.filter(action="statement.draft").count() == 3


def test_a_closed_statement_is_corrected_by_a_new_version_only(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    measured(order.offer.site, CALL, [2.0, 2.0, None, 2.0])
    meter_order(order=order)
    [draft] = draft_statements(organization=people.a, month=OCTOBER)
    with pytest.raises(ValidationError, match="1 steps were not measured"):
        close_statement(statement=draft)
    closed = close_statement(statement=draft, accept_gaps=True)
    assert state_of(order) == OfferState.SETTLED
    with pytest.raises(ValidationError, match="state is closed; allowed: draft"):
        close_statement(statement=closed, accept_gaps=True)
    assert draft_statements(organization=people.a, month=OCTOBER) == [closed]
    measured(order.offer.site, CALL + timedelta(minutes=30), [2.0])
    meter_due(organization=people.a)
    [second] = draft_statements(organization=people.a, month=OCTOBER)
    assert (second.version, second.amount) == (2, D("2.00"))
    close_statement(statement=second)
    closed.refresh_from_db()
    assert (closed.state, closed.amount, closed.lines.count()) == (Statement.State.CORRECTED, D("1.50"), 1)


def test_what_was_settled_is_not_settled_again_by_a_later_contract(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    measured(order.offer.site, CALL, [2.0, 2.0, None, 2.0])
    meter_order(order=order)
    [draft] = draft_statements(organization=people.a, month=OCTOBER)
    closed = close_statement(statement=draft, accept_gaps=True)
    contract_for(people, site=order.offer.site)
    assert draft_statements(organization=people.a, month=OCTOBER) == [closed]
    measured(order.offer.site, CALL + timedelta(minutes=30), [2.0])
    meter_due(organization=people.a)
    [second] = draft_statements(organization=people.a, month=OCTOBER)
    assert (second.contract, second.version) == (closed.contract, 2)


def test_a_month_that_is_not_over_stays_a_draft(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product, start=CALL + timedelta(days=25))
    measured(order.offer.site, order.offer.start, [2.0] * 4)
    meter_order(order=order)
    [draft] = draft_statements(organization=people.a, month=date(2026, 11, 1))
    with pytest.raises(ValidationError, match="The month ends with 2026-11-30"):
        close_statement(statement=draft)


def test_a_dispute_is_raised_once_and_ends_by_a_correction_or_a_refusal(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    measured(order.offer.site, CALL, [2.0] * 4)
    meter_order(order=order)
    [draft] = draft_statements(organization=people.a, month=OCTOBER)
    with pytest.raises(ValidationError, match="state is draft; allowed: closed"):
        raise_dispute(line=draft.lines.get(), reason="The meter was wrong.")
    closed = close_statement(statement=draft)
    line = closed.lines.get()
    first = raise_dispute(line=line, reason="The meter was wrong.")
    assert state_of(order) == OfferState.DISPUTED
    with pytest.raises(ValidationError, match="disputed already"):
        raise_dispute(line=line, reason="Again.")
    with pytest.raises(ValidationError, match="answer has 0 characters"):
        answer_dispute(dispute=first, accepted=False, answer=" ")
    answer_dispute(dispute=first, accepted=False, answer="The meter is calibrated.")
    assert state_of(order) == OfferState.SETTLED
    second = raise_dispute(line=line, reason="It was the wrong meter.")
    Rollup.objects.update(total=15 * 12.0)
    answer_dispute(dispute=second, accepted=True, answer="Metered again.")
    assert state_of(order) == OfferState.METERED
    [corrected] = draft_statements(organization=people.a, month=OCTOBER)
    assert (corrected.version, corrected.amount) == (2, D("-5.00"))


def test_statements_of_others_stay_untouched(people: People, product: MarketProduct) -> None:
    order = a_call(people.a, product)
    measured(order.offer.site, CALL, [2.0] * 4)
    with organization_scope(people.b):
        assert meter_due(organization=people.b) == ([], [])
        assert draft_statements(organization=people.b, month=OCTOBER) == []
    assert not Delivery.objects.exists()
