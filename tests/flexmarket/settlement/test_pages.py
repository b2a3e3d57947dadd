"""Pages of settlement: months, sums, files, disputes, figures, and how good baselines are."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook

from flexmarket.engine.market.states import OfferState
from flexmarket.models import Dispute, Order, Statement, StatementLine
from flexmarket.settlement.accuracy import accuracy_of
from flexmarket.settlement.kpis import counted
from flexmarket.settlement.metering import meter_order
from flexmarket.settlement.statements import close_statement, draft_statements
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import market_offer
from tests.flexmarket.settlement.calls import CALL, NOW, a_call, a_product, measured

pytestmark = pytest.mark.one_database
D = Decimal


@pytest.fixture
def alice(people: People, acts: None) -> Iterator[Client]:
    with organization_scope(people.a), time_machine.travel(NOW, tick=False):
        yield people.client("alice")


def metered(people: People, reference: str = "=call", powers: tuple[float | None, ...] = (2.0, 2.0, 2.0, 7.0)) -> Order:
    order = a_call(people.a, a_product(people.a), reference)
    measured(order.offer.site, CALL, list(powers))
    meter_order(order=order)
    return order


def test_a_month_is_drafted_and_closed_with_its_gaps_accepted(alice: Client, people: People) -> None:
    metered(people, powers=(2.0, 2.0, None, 2.0))
    answer = alice.post("/o/a/settlement/draft/", {"month": "2026-10"}, follow=True).content.decode()
    assert "1 statement of the month is up to date." in answer
    assert "1 step was not measured" in answer
    statement = Statement.objects.get()
    close = f"/o/a/settlement/{statement.pk}/close/"
    assert "1 steps were not measured" in alice.post(close, follow=True).content.decode()
    assert "The statement is closed." in alice.post(close, {"accept_gaps": "on"}, follow=True).content.decode()
    statement.refresh_from_db()
    assert statement.state == Statement.State.CLOSED
    assert (
        "No call of this month"
        in alice.post("/o/a/settlement/draft/", {"month": "2026-01"}, follow=True).content.decode()
    )
    assert alice.post("/o/a/settlement/draft/", {"month": "never"}).status_code == 302


@pytest.mark.parametrize("by", ["site", "asset", "portfolio", "product"])
def test_lines_are_summed_as_asked(alice: Client, people: People, by: str) -> None:
    order = metered(people)
    (statement,) = draft_statements(organization=people.a, month=CALL.date())
    page = alice.get(f"/o/a/settlement/{statement.pk}/", {"by": by})
    (row,) = page.context["sums"]
    site = order.offer.site
    assert site is not None
    assert (
        row[by]
        == {"site": site.name, "asset": "", "portfolio": site.portfolio.name, "product": order.offer.product.name}[by]
    )
    assert (row["calls"], row["delivered_kwh"], row["amount"]) == (1, D("8.75"), statement.amount)


def test_files_hold_the_same_lines_and_run_no_formula(alice: Client, people: People) -> None:
    metered(people)
    (statement,) = draft_statements(organization=people.a, month=CALL.date())
    address = f"/o/a/settlement/{statement.pk}/statement."
    (line,) = csv.DictReader(StringIO(alice.get(f"{address}csv").content.decode("utf-8-sig")))
    assert (line["order"], line["delivered_kwh"], line["amount"]) == ("'=call", "8.750000", str(statement.amount))
    sheet = load_workbook(BytesIO(alice.get(f"{address}xlsx").content)).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    heading = next(row for row in rows if row[0] == "order")
    cells = dict(zip(heading, rows[-2], strict=True))
    assert (cells["order"], D(str(cells["amount"]))) == ("'=call", statement.amount)
    assert D(str(dict(zip(heading, rows[-1], strict=True))["amount"])) == statement.amount
    pdf = alice.get(f"{address}pdf")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert alice.get(f"{address}doc").status_code == 404


def test_a_line_is_disputed_once_and_answered(alice: Client, people: People) -> None:
    metered(people)
    (statement,) = draft_statements(organization=people.a, month=CALL.date())
    line = StatementLine.objects.get()
    raise_at = f"/o/a/settlement/lines/{line.pk}/dispute/"
    assert alice.post(raise_at, {"reason": "Why?"}).status_code == 422
    close_statement(statement=statement)
    assert alice.post(raise_at, {"reason": ""}).status_code == 422
    assert alice.post(raise_at, {"reason": "The meter was replaced."}).status_code == 302
    again = alice.post(raise_at, {"reason": "Why?"})
    assert "is disputed already" in again.content.decode()
    dispute = Dispute.objects.get()
    assert alice.get(f"/o/a/settlement/{statement.pk}/").context["disputed"] == {line.pk}
    answer_at = f"/o/a/settlement/disputes/{dispute.pk}/"
    assert list(alice.post(answer_at, {"answer": "No."}).context["form"].errors) == ["accepted"]
    assert alice.post(answer_at, {"accepted": "no", "answer": "It was calibrated."}).status_code == 302
    dispute.refresh_from_db()
    assert (dispute.state, dispute.answer) == ("refused", "It was calibrated.")


def test_an_order_shows_what_was_delivered_step_by_step(alice: Client, people: People) -> None:
    order = metered(people)
    steps = alice.get(f"/o/a/orders/{order.pk}/").context["delivered"]
    assert [(row["measured_kw"], row["step"].missing_kwh) for row in steps] == [(2.0, 0)] * 3 + [(7.0, D("1.25"))]
    unmetered = a_call(people.a, order.offer.product, "later", run=order.offer.run, start=NOW + timedelta(hours=3))
    said = alice.post(f"/o/a/orders/{unmetered.pk}/meter/", follow=True).content.decode()
    assert "The call is not over yet." in said


def test_the_figures_of_the_market(alice: Client, people: People) -> None:
    order = metered(people)
    offer, product = order.offer, order.offer.product
    offer.cost_eur = D(3)
    offer.save(update_fields=["cost_eur"])
    common = {"run": offer.plan, "product": product}
    noon = datetime.combine(NOW.date() + timedelta(days=1), NOW.time(), NOW.tzinfo)
    for group, power in (("a", 10), ("a", 8), ("b", 4)):
        market_offer(people.a, start=noon, exclusive_group=group, power_kw=D(power), **common)
    market_offer(people.a, start=CALL, exclusive_group="c", state=OfferState.EXPIRED, **common)
    with time_machine.travel(datetime(2026, 10, 28, 12, tzinfo=NOW.tzinfo), tick=False):
        found = counted(people.a)
        assert (found.month, found.revenue) == (date(2026, 10, 1), {"EUR": order.deliveries.get().amount})
        assert (found.activation_cost_eur, found.delivered_share) == (3, D("0.875"))
        assert found.ordered_share == D("0.5")
    tomorrow = counted(people.a)
    assert tomorrow.open_kw == {"positive": 14, "negative": 0}
    # Of the alternatives of "a" the dearest: 10 kWh at 0.16 EUR; of "b" 4 kWh at 0.10 EUR.
    assert tomorrow.tomorrow == {"EUR": D("2.0")}
    assert tomorrow.expected is None
    assert alice.get("/o/a/settlement/figures/").context["kpis"] == tomorrow


def test_baselines_are_judged_against_days_without_a_call(alice: Client, people: People) -> None:
    order = metered(people)
    site = order.offer.site
    assert site is not None
    first = datetime(2026, 11, 4, 23, tzinfo=NOW.tzinfo)
    measured(site, first, [5.0] * (96 * 15))
    found = {each.name: each.found for each in accuracy_of(site)}
    rolling, meter = found["rolling_5_days"], found["meter_before_after"]
    assert rolling is not None
    assert meter is not None
    assert (rolling.bias_kw, rolling.mean_absolute_error_kw) == (0, 0)
    assert (found["schedule"], found["forecast"]) == (None, None)
    assert meter.days >= rolling.days > 0
    content = alice.get(f"/o/a/sites/{site.slug}/baselines/").content.decode()
    assert "PJM Manual 11" in content
