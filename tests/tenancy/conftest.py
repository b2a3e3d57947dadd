from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from assets.models import Asset
from assets.services import create_asset
from flexmarket.models import (
    Contract,
    Delivery,
    Dispute,
    FlexMeasuresLink,
    FlexMeasuresServer,
    RollingOperation,
    Scenario,
    ScenarioArchive,
    ScenarioRun,
    ScenarioSeries,
    Statement,
    StatementLine,
)
from flexplatform.accounts import audit, permissions
from flexplatform.accounts.models import ApiToken, Door, Invitation, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import create_token, invite_member
from flexplatform.jobs.models import Job
from forecasting.models import PriceFeed, PriceForecast
from forecasting.services import (
    create_price_feed,
    ensure_own_forecasts,
    receive_forecast,
    set_provider_key,
    switch_weather,
)
from optimization.models import PlannedSite, PortfolioRun, ScheduleRun
from telemetry.batches import ReadingBatch
from telemetry.engine.mapping import MappingSpec, Rule
from telemetry.models import Channel, ChannelProposal, DeadLetter, DeviceCredential, Retention, Setpoint
from telemetry.models.moments import microseconds
from telemetry.services import (
    NewSetpoint,
    Reference,
    create_credential,
    ensure_channels,
    queue_setpoints,
    store_readings,
    switch_plans,
)
from telemetry.services.mappings import create_mapping
from telemetry.services.readings import Letter
from tests.api.conftest import of_a, of_b
from tests.conftest import People, make_people
from tests.factories import (
    MembershipFactory,
    PriceSeriesFactory,
    PriceValuesFactory,
    SiteTariffFactory,
    TariffFactory,
    TariffPeriodFactory,
    UserFactory,
    planned_site,
)
from tests.flexmarket.settlement.calls import a_call, a_product
from tests.forecasting.makers import delivery

__all__ = ["of_a", "of_b"]


DEVICES: dict[str, dict[str, Any]] = {
    "pv": {"capacity_kw": 3},
    "wind": {"capacity_kw": 3},
    "battery": {"capacity_kwh": 5, "charge_power_kw": 3, "discharge_power_kw": 3},
    "electric_vehicle": {
        "capacity_kwh": 40,
        "charge_power_kw": 11,
        "stays": [{"arrival": "18:00", "departure": "07:00", "arrival_soc_percent": 40}],
    },
    "heat_pump": {"rated_power_kw": 3},
    "chp": {"electric_power_kw": 3},
    "boiler": {"heat_power_kw": 10},
    "heat_storage": {"capacity_kwh": 10},
    "generator": {"power_kw": 3, "fuel_curve": [[0, 0], [3, 1]]},
    "electric_load": {},
    "heat_load": {},
    "shiftable_load": {"profile_kw": [1, 1]},
}


def try_out(organization: Organization, name: str) -> tuple[Scenario, ScenarioRun]:
    """Store a scenario of the lab and a solved run of it."""
    scenario = Scenario.objects.create(organization=organization, name=name, template="bat", day="2026-11-22")
    job = Job.objects.create(
        organization=organization,
        kind="solve_scenario",
        title=f"Solve {name}",
        status=Job.Status.SUCCEEDED,
        finished_at=timezone.now(),
    )
    summary = {
        "total_cost_eur": 1.0,
        "baseline_cost_eur": 2.0,
        "saving_eur": 1.0,
        "cost_by_cause_eur": {"import": 1.0},
        "co2_kg": 1.0,
        "unmet": [],
        "offers": {},
        "kinds": {},
    }
    options = {"solver": "milp", "gap": 0.001, "time_limit": 10}
    run = ScenarioRun.objects.create(
        organization=organization, scenario=scenario, job=job, label="As given", summary=summary, **options
    )
    ScenarioSeries.objects.create(run=run, role="plan", quantity="grid_power_kw", values=[1.0] * 96)
    ScenarioArchive.objects.create(run=run, content=b"PK")
    return scenario, run


class World:
    """One of everything in an organization, as an address names it."""

    def __init__(self, organization: Organization, owner: User, number: int = 0) -> None:
        self.organization, self.number = organization, number
        more = str(number or "")
        self.called = f"{more} of {organization.name}"
        self.site, self.run = planned_site(organization, slug=f"home{more}", name=f"Home{self.called}")
        self.furnish()
        self.member: Membership = MembershipFactory(organization=organization, user=UserFactory(), role=Role.VIEWER)
        with organization_scope(organization), audit.acting(owner, Door.PORTAL):
            self.job = Job.objects.create(organization=organization, kind="schedule_site", title=f"Plan {self.site}")
            ScheduleRun.objects.filter(pk=self.run.pk).update(job=self.job)
            self.run.refresh_from_db()
            self.portfolio_run = self.plan_many()
            self.trade()
            self.reflect()
            self.scenario, self.scenario_run = try_out(organization, f"Scenario{self.called}")
            email = f"new{more}@{organization.slug}.example"
            self.invitation: Invitation = invite_member(
                organization=organization, email=email, role=Role.VIEWER, created_by=owner
            )
            wanted = [permissions.VIEW_SITES]
            self.token: ApiToken = create_token(
                organization=organization, created_by=owner, name=f"robot{self.called}", permissions=wanted
            )[0]

    def trade(self) -> None:
        """Store something of the site that was sold, called, metered, settled and disputed."""
        own = {"organization": self.organization}
        self.product = a_product(self.organization, name=f"Product{self.called}")
        self.order = a_call(self.organization, self.product, f"call{self.called}", run=self.run)
        self.market_offer = self.order.offer
        series = {"baseline_kw": [12.0] * 4, "measured_kw": [2.0] * 4}
        self.delivery = Delivery.objects.create(**own, order=self.order, baseline_method="schedule", **series)
        self.contract = Contract.objects.create(
            **own, name=f"Contract{self.called}", site=self.site, owner_share="0.8", valid_from="2026-01-01"
        )
        self.statement = Statement.objects.create(
            **own,
            contract=self.contract,
            contract_name=self.contract.name,
            owner_share="0.8",
            month="2026-10-01",
        )
        line = StatementLine.objects.create(
            statement=self.statement,
            delivery=self.delivery,
            order=self.order.reference,
            product=self.product.name,
            site=self.site.name,
            start=self.market_offer.start,
            end=self.market_offer.end,
        )
        self.statement.state, self.statement.closed_at = Statement.State.CLOSED, timezone.now()
        self.statement.save()
        self.dispute = Dispute.objects.create(**own, line=line, reason="The meter was replaced.")
        self.rolling = RollingOperation.objects.create(**own, site=self.site if self.number else None)

    def reflect(self) -> None:
        """Reflect the site in a FlexMeasures server."""
        own = {"organization": self.organization}
        FlexMeasuresServer.objects.get_or_create(**own, defaults={"url": "https://fm.example.com", "enabled": True})
        FlexMeasuresLink.objects.create(**own, kind="site", site=self.site, remote_id=1)

    def furnish(self) -> None:
        """Give the site a device of every kind, a forecast, and a tariff by prices that were received."""
        with organization_scope(self.organization), audit.acting("tests", Door.COMMAND):
            for kind, values in DEVICES.items():
                create_asset(site=self.site, kind=kind, values={"name": f"{kind} of {self.site.name}", **values})
            credential, _ = create_credential(site=self.site, name=f"gateway-{self.site.slug}")
            self.tell()
            self.map_devices(credential)
            grid = Reference(site=self.site.pk, quantity="grid_power_kw")
            (channel,) = ensure_channels(organization=self.organization, references=[grid])
            now_us = microseconds(timezone.now())
            store_readings(batch=ReadingBatch.of([channel.pk], [now_us], [1], [now_us]), letters=[self.letter()])
            receive_forecast(organization=self.organization, delivery=delivery(self.site))
            ensure_own_forecasts(organization=self.organization, sites=[self.site.pk])
        self.series = PriceSeriesFactory(organization=self.organization, name=f"Prices{self.called}")
        PriceValuesFactory(series=self.series)
        self.expect_prices()
        self.tariff = TariffFactory(
            organization=self.organization, name=f"Tariff{self.called}", form="dynamic", price_series=self.series
        )
        with organization_scope(self.organization), audit.acting("tests", Door.COMMAND):
            switch_weather(organization=self.organization, enabled=True)
            feed = {"series": self.series, "provider": "energy_charts", "zone": "DE-LU"}
            create_price_feed(organization=self.organization, values=feed)
            set_provider_key(
                organization=self.organization, provider="entsoe", key=f"secret{self.called}".replace(" ", "")
            )
        TariffPeriodFactory(tariff=self.tariff, part="grid_fee")
        SiteTariffFactory(site=self.site, tariff=self.tariff)

    def expect_prices(self) -> None:
        """Store a forecast of the site's prices."""
        issued = timezone.now()
        PriceForecast.objects.create(
            organization=self.organization,
            series=self.series,
            issued_at=issued,
            start=issued,
            end=issued + timedelta(hours=2),
            step_seconds=3600,
            model="ridge",
            version="1",
            mean=[0.1, 0.2],
            quantiles=[0.1] * 18,
        )

    def map_devices(self, credential: DeviceCredential) -> None:
        """Store a mapping and a proposal of a credential, and how long readings stay."""
        rule = Rule(quantity="grid_power_kw")
        spec = MappingSpec(name=f"Meter of {self.site.name}", topic="meter", rules=[rule])
        create_mapping(organization=self.organization, credential=credential, spec=spec)
        ChannelProposal.objects.create(
            organization=self.organization,
            credential=credential,
            source="homeassistant/sensor/x/config",
            name=f"Announced of {self.site.name}",
            topic="x",
            quantity="grid_power_kw",
        )
        Retention.objects.get_or_create(organization=self.organization)

    def tell(self) -> None:
        """Tell a battery what to do, as plans of the site may."""
        battery = Asset.objects.get(site=self.site, name=f"battery of {self.site.name}")
        wanted = NewSetpoint(asset=battery, start=timezone.now(), step_seconds=3600, power_kw=[1.0])
        queue_setpoints(organization=self.organization, setpoints=[wanted], source="manual")
        switch_plans(organization=self.organization, enabled=True, site=self.site)

    def letter(self) -> Letter:
        """Return a message that was refused, and would not be any more."""
        topic = f"flex/v1/{self.organization.slug}/{self.site.slug}/site/status"
        return Letter(self.organization.pk, topic, "refused", b"online", microseconds(timezone.now()))

    def row_of(self, model: Any) -> Any:
        """Return the newest row of the organization in a table of telemetry."""
        with organization_scope(self.organization):
            return model.objects.latest("pk")

    def plan_many(self) -> PortfolioRun:
        """Store a portfolio run with the site's run as its result."""
        job = Job.objects.create(
            organization=self.organization, kind="schedule_portfolio", title=f"Plan all sites{self.called}"
        )
        options = {"solver": "milp", "gap": 0.001, "time_limit": 10}
        run = PortfolioRun.objects.create(organization=self.organization, job=job, day="2026-11-22", **options)
        PlannedSite.objects.create(portfolio_run=run, site=self.site, outcome="planned", run=self.run)
        return run

    def address(self, route: str, organization: str, **replaced: Any) -> str:
        """Return the route with this world's objects in it, below the address of `organization`."""
        values = {
            "slug:organization": organization,
            "slug:site": self.site.slug,
            "slug:market": "comax",
            "int:tariff": self.tariff.pk,
            "int:run": self.run.pk,
            "int:job": self.job.pk,
            "int:portfolio_run": self.portfolio_run.pk,
            "int:with_run": self.run.pk,
            "int:with_portfolio_run": self.portfolio_run.pk,
            "int:scenario": self.scenario.pk,
            "int:scenario_run": self.scenario_run.pk,
            "int:before": self.scenario_run.pk,
            "int:after": self.scenario_run.pk,
            "int:product": self.product.pk,
            "int:contract": self.contract.pk,
            "int:offer": self.market_offer.pk,
            "int:rolling": self.rolling.pk,
            "int:order": self.order.pk,
            "int:statement": self.statement.pk,
            "slug:file_format": "csv",
            "int:line": self.dispute.line_id,
            "int:dispute": self.dispute.pk,
            "int:member": self.member.pk,
            "int:invitation": self.invitation.pk,
            "int:token": self.token.pk,
            "int:setpoint": self.row_of(Setpoint).pk,
            "int:letter": self.row_of(DeadLetter).pk,
            "int:credential": self.row_of(DeviceCredential).pk,
            "int:channel": self.row_of(Channel).pk,
            "int:proposal": self.row_of(ChannelProposal).pk,
            "int:price_feed": self.row_of(PriceFeed).pk,
        }
        for name, value in {**values, **replaced}.items():
            route = route.replace(f"<{name}>", str(value))
        assert "<" not in route, f"{route} takes an argument that this test does not know"
        return route


@dataclass(frozen=True)
class Furnished:
    """Both organizations with one of everything."""

    people: People
    world: World
    foreign: World


@pytest.fixture(scope="module", autouse=True)
def stored(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Furnished | None]:
    """Store both organizations once for all tests of a module, as it takes longer than most of these tests.

    What a test changes is rolled back after it. Only SQLite in memory keeps its connection, and so the transaction.
    """
    if request.node.get_closest_marker("one_database") is None or connection.vendor != "sqlite":
        yield None
        return
    with ExitStack() as transaction_of_all:
        with django_db_blocker.unblock():
            transaction_of_all.enter_context(transaction.atomic())
            people = make_people()
            made = Furnished(people, World(people.a, people.alice), World(people.b, people.charlie))
        yield made
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            transaction_of_all.close()


@pytest.fixture
def furnished(stored: Furnished | None, db: None) -> Furnished | None:
    """Return a copy of what is stored, as tests change the rows that they hold."""
    return deepcopy(stored)


@pytest.fixture
def people(furnished: Furnished | None) -> People:
    return furnished.people if furnished else make_people()


@pytest.fixture
def world(furnished: Furnished | None, people: People) -> World:
    return furnished.world if furnished else World(people.a, people.alice)


@pytest.fixture
def foreign(furnished: Furnished | None, people: People) -> World:
    return furnished.foreign if furnished else World(people.b, people.charlie)


@pytest.fixture
def as_role(people: People) -> Callable[[Role], None]:
    """Give bob a role."""

    def change(role: Role) -> None:
        Membership.objects.filter(user=people.bob).update(role=role)

    return change
