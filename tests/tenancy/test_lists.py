"""Every list costs the same number of queries for one row and for three; a list that is not known fails."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assets.models import KINDS
from tests.api.conftest import caller
from tests.conftest import People
from tests.tenancy.addresses import TENANT, TENANT_ROUTES
from tests.tenancy.conftest import World
from tests.tenancy.operations import OPERATIONS
from tests.tenancy.test_admin import LISTS

# Each list of the portal: its queries, and what it shows once per row.
PORTAL = {
    "overview": (28, "/sites/home"),
    "site_map": (12, '"home'),
    "map": (5, "<option>Portfolio"),
    "running_jobs": (4, 'aria-label="Plan Home'),
    "tariffs": (5, "Prices"),
    "jobs": (5, "Plan Home"),
    "portfolio_runs": (5, '<td><a href="/o/a/portfolio-runs/'),
    "scenarios": (5, "Newest run"),
    "offers": (7, "less to the grid"),
    "own_forecasts": (6, ">pv of Home"),
    "market_products": (5, 'data-confirm="Delete Product'),
    "market_offers": (7, "FX-"),
    "orders": (5, ">call"),
    "rolling": (7, "/switch/"),
    "statements": (5, " of A</a></td>"),
    "contracts": (5, 'data-confirm="Delete Contract'),
    "disputes": (5, "The meter was replaced."),
    "members": (5, "/withdraw/"),
    "tokens": (4, "/revoke/"),
    "telemetry": (6, "site.grid_power_kw"),
    "setpoints": (6, " · battery of"),
    "dead_letters": (5, "/discard/"),
    "device_credentials": (5, "/revoke/"),
    "completeness": (6, "site.grid_power_kw"),
    "channel_proposals": (6, "/accept/"),
    "audit": (5, "token.create"),
    "providers": (7, "<td>Prices"),
    "flexmeasures": (6, 'data-label="Id there"'),
}
# Sums over all rows, and their queries.
SUMS = {"overview_power": 7, "overview_flexibility": 5, "market_kpis": 3}
NO_LIST = {"board_charts", "plan_new", "portfolio_choose", "scenario_new", "token_new"}
NO_LIST |= {"forecast_league", "product_new", "contract_new", "orders_upload", "portfolio_offer", "rolling_new"}
ADMIN = {
    "accounts.apitoken": 7,
    "accounts.auditevent": 9,
    "accounts.membership": 7,
    "accounts.organization": 7,
    "accounts.user": 7,
    "assets.portfolio": 7,
    "assets.priceseries": 7,
    "assets.pricevalues": 10,
    "assets.site": 10,
    "assets.tariff": 8,
    "flexmarket.contract": 7,
    "flexmarket.delivery": 7,
    "flexmarket.flexibilityoffers": 9,
    "flexmarket.marketoffer": 8,
    "flexmarket.marketproduct": 8,
    "flexmarket.order": 7,
    "flexmarket.scenario": 7,
    "flexmarket.scenariorun": 8,
    "flexmarket.statement": 7,
    "jobs.job": 10,
    "forecasting.forecastrun": 10,
    "optimization.portfoliorun": 9,
    "optimization.schedulerun": 9,
    "telemetry.channel": 7,
    "telemetry.devicecredential": 7,
    "telemetry.mapping": 7,
    "telemetry.retention": 7,
    **{model._meta.label_lower: 8 for model in KINDS.values()},
}
# However much an organization has.
FIXED_ROWS = {"accounts.organization": 2, "telemetry.retention": 1, "weather-feeds": 1}
# The token, the membership of its maker, the rows; more only where it is said here.
API_QUERIES = 3
API_MORE = {"assets-electric_vehicle": 4, "tariffs": 4}


def queries_of(client: Client, url: str) -> tuple[int, Any]:
    """Return how many queries a page takes, once what is kept between requests is known, and the page."""
    client.get(url)
    with CaptureQueriesContext(connection) as made:
        answer = client.get(url)
    assert answer.status_code == 200
    return len(made), answer


@pytest.fixture(params=[1, 3])
def count(people: People, request: pytest.FixtureRequest) -> int:
    """Make this many rows of everything that an organization has."""
    for number in range(request.param):
        World(people.a, people.alice, number)
    cache.clear()
    return int(request.param)


def test_lists_of_the_portal(people: People, count: int) -> None:
    names = {name for name, rule in TENANT.items() if rule.method == "get" and TENANT_ROUTES[name].count("<") == 1}
    client, found = people.client("alice"), {}
    for name, queries in SUMS.items():
        assert queries_of(client, TENANT_ROUTES[name].replace("<slug:organization>", "a"))[0] == queries, name
    for name in names - NO_LIST - set(SUMS):
        url = TENANT_ROUTES[name].replace("<slug:organization>", "a")
        queries, answer = queries_of(client, url)
        shown = PORTAL[name][1] if name in PORTAL else ""
        assert answer.content.decode().count(shown) == count, name
        found[name] = (queries, shown)
    assert found == PORTAL


def test_lists_of_the_admin(people: People, count: int) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    client, found = people.client("alice"), {}
    for name, url in LISTS.items():
        queries, answer = queries_of(client, url)
        rows = FIXED_ROWS.get(name, count)
        assert answer.context["cl"].result_count >= rows, name
        found[name] = queries
    assert found == ADMIN


def test_lists_of_the_api(people: People, count: int) -> None:
    client, found = caller(people.a, people.alice), {}
    for each in OPERATIONS:
        if each.action == "list" and each.resource != "token":
            queries, answer = queries_of(client, each.route)
            assert len(answer.json()["results"]) >= FIXED_ROWS.get(each.resource, count), each
            found[each.resource] = queries
    assert found == {name: API_MORE.get(name, API_QUERIES) for name in found}
