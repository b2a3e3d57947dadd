"""What has to be true of a real FlexMeasures after our pushes, read back without any of our own client's code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
from django.utils import timezone

from assets.services import create_asset
from flexmarket.flexmeasures import mapping
from flexmarket.flexmeasures.adapter import Adapter
from flexmarket.flexmeasures.services import PUSH, request_push, set_server
from flexmarket.models import FlexMeasuresLink, FlexMeasuresSensor, FlexMeasuresServer
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting.services import Delivery, receive_forecast
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Prices
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs
from optimization.services import schedule_site
from telemetry.services import Reference
from tests.factories import ElectricLoadFactory, OrganizationFactory, PhotovoltaicFactory, SiteFactory
from tests.flexmeasures_server.server import EMAIL, PASSWORD, FlexMeasures

STEPS = 96
LATER = 16
STEP = timedelta(minutes=15)


class Trial:
    """One organization with one site that is pushed, and a signed-in look at what arrived."""

    def __init__(self, server: FlexMeasures, organization: Organization) -> None:
        self.server, self.organization = server, organization
        self.site = SiteFactory(organization=self.organization, name="Home", slug="home")
        PhotovoltaicFactory(site=self.site, capacity_kw=8.0)
        ElectricLoadFactory(site=self.site)
        battery = {"name": "battery", "capacity_kwh": 10, "charge_power_kw": 5, "discharge_power_kw": 5}
        self.battery = create_asset(site=self.site, kind="battery", values=battery)
        begin = mapping.window(timezone.now()).start + LATER * STEP
        self.horizon = Horizon(begin, STEP, STEPS)
        self.posts: list[int] = []
        self.there: httpx.Client | None = None

    def plan(self, shift: float = 0.0) -> ScheduleRun:
        """Plan a day with cheap and dear hours, so that the battery charges, discharges and the plant feeds in.

        `shift` moves the cheap hours, by hours.
        """
        hours = np.arange(STEPS) / 4
        price = np.where((hours + shift) % 12 < 6, 0.1, 0.5)
        sun = np.clip(np.sin((hours - 4) / 12 * np.pi), 0, None)
        prices = Prices(import_eur_per_kwh=price, export_eur_per_kwh=0.05)
        devices = {"load": {"demand_kw": 2.5 + 1.5 * np.sin(hours + shift)}, "pv": {"yield_kw_per_kw": 0.8 * sun}}
        return schedule_site(site=self.site, horizon=self.horizon, series=SiteInputs(prices=prices, devices=devices))

    def expect(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Receive a forecast of the load that was issued three hours ago."""
        values = 0.4 + 0.2 * np.cos(np.arange(STEPS) / 7)
        channel = Reference(site=self.site.pk, asset="load", quantity="demand_kw")
        issued = self.horizon.start - LATER * STEP - timedelta(hours=3)
        delivery = Delivery(
            channel=channel, issued_at=issued, start=self.horizon.start, step=STEP, values=values, source="trial"
        )
        receive_forecast(organization=self.organization, delivery=delivery)
        return values

    def set_server(self, password: str) -> None:
        """Enter the server with a password."""
        values = {"url": self.server.url, "email": EMAIL, "enabled": True}
        set_server(organization=self.organization, values=values, secret=password)

    def push(self) -> Job:
        """Push the site as a worker does it, and return the job as it ended."""
        self.posts.clear()
        job = request_push(organization=self.organization, site=self.site)
        execute(job.pk, worker="trial", beat_every=0)
        job.refresh_from_db()
        assert job.kind == PUSH
        return job

    def sensor(self, device: str, name: str) -> FlexMeasuresSensor:
        """Return what is remembered of a sensor; an empty device is the site."""
        of_link = {"link__asset__name": device} if device else {"link__asset": None}
        return FlexMeasuresSensor.objects.select_related("link").get(name=name, **of_link)

    def read(self, device: str, name: str, **query: str) -> list[float | None]:
        """Return the values of the planned day as FlexMeasures has them."""
        kind, sensor = mapping.KINDS[name], self.sensor(device, name)
        start = self.horizon.start + STEP if kind.instantaneous else self.horizon.start
        asked = {"start": start.isoformat(), "duration": "PT24H", "resolution": "PT15M", "unit": kind.unit, **query}
        found = self.get(f"/api/v3_0/sensors/{sensor.remote_id}/data", **asked)
        values: list[float | None] = found["values"]
        return values

    def get(self, path: str, **query: str) -> Any:
        """Return an answer of its API."""
        if self.there is None:
            self.there = self.server.signed_in()
        return self.there.get(path, params=query).raise_for_status().json()

    def equal(self, device: str, name: str, expected: Any) -> None:
        """Compare a day value by value, and say how it looks."""
        found, wanted = np.array(self.read(device, name), float), np.asarray(expected, float)
        np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=f"{device}.{name}")
        say(f"{device or 'site'}.{name}: {len(found)} values equal, {found.min():.3f} to {found.max():.3f}")

    def equal_to_plan(self, run: ScheduleRun) -> None:
        """Compare every series of a plan."""
        for device, quantity, name in (
            ("", "grid_power_kw", "power"),
            ("battery", "power_kw", "power"),
            ("battery", "soc_percent", "state of charge"),
            ("pv", "power_kw", "power"),
        ):
            self.equal(device, name, stored(run, ScheduleSeries.Role.PLAN, device, quantity))
        self.equal("", "import price", stored(run, ScheduleSeries.Role.INPUT, "", "import_eur_per_kwh"))


def check(server: FlexMeasures) -> None:
    """Go through the life of a connection, from bad credentials to a worker that stores later."""
    organization = OrganizationFactory(name="Trial", slug="trial")
    with acting("trial", Door.COMMAND), organization_scope(organization):
        trial = Trial(server, organization)
        with counted(trial.posts):
            check_bad_credentials(trial)
            first = check_first_push(trial)
            check_second_push(trial)
            second = check_changed_plan(trial, first)
            check_stopped_server(trial, second)
            check_gone_asset(trial)
            check_worker(trial)
    print("All checks passed.", flush=True)  # noqa: T201


def check_bad_credentials(trial: Trial) -> None:
    """A wrong password ends the job with the reason, and nothing is made there."""
    trial.plan()
    trial.set_server("a wrong password")
    job = trial.push()
    assert job.status == Job.Status.FAILED, job.status
    assert FlexMeasuresServer.objects.get().is_failing
    assert trial.get("/api/v3_0/assets") == []
    say(f"Bad credentials: {job.error}")
    trial.set_server(PASSWORD)


def check_first_push(trial: Trial) -> ScheduleRun:
    """A site with its devices, sensors, schedule, forecast and prices arrives; returns the schedule."""
    run, load = ScheduleRun.objects.get(), trial.expect()
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    say(f"First push: {len(trial.posts)} posts, {sum(trial.posts)} values")
    assets = {each["name"]: each for each in trial.get("/api/v3_0/assets")}
    assert set(assets) == {"Home", "battery", "load", "pv"}
    assert all(each["parent_asset_id"] == assets["Home"]["id"] for name, each in assets.items() if name != "Home")
    assert {name: each["generic_asset_type"]["name"] for name, each in assets.items()} == {
        "Home": "building",
        "battery": "battery",
        "load": "building",
        "pv": "solar",
    }
    assert (assets["Home"]["latitude"], assets["Home"]["longitude"]) == (trial.site.latitude, trial.site.longitude)
    trial.equal_to_plan(run)
    trial.equal("load", "power forecast", load)
    assert min(value or 0 for value in trial.read("pv", "power")) < 0, "production is negative here and there"
    before = (trial.horizon.start - LATER * STEP - timedelta(hours=3, seconds=1)).isoformat()
    assert set(trial.read("load", "power forecast", prior=before)) == {None}
    issued = (trial.horizon.start - LATER * STEP - timedelta(hours=3)).isoformat()
    assert None not in trial.read("load", "power forecast", prior=issued)
    say("The forecast is known there from its time of issue on, and not a second before")
    told = trial.get(f"/api/v3_0/sensors/{trial.sensor('battery', 'power').remote_id}")
    assert "consumption_is_positive" in told["attributes"], told
    assert (told["unit"], told["event_resolution"]) == ("kW", "PT15M")
    return run


def check_second_push(trial: Trial) -> None:
    """The same again posts nothing and makes nothing."""
    before = len(trial.get("/api/v3_0/assets"))
    job = trial.push()
    assert (job.status, trial.posts) == (Job.Status.SUCCEEDED, []), (job.error, trial.posts)
    assert len(trial.get("/api/v3_0/assets")) == before
    FlexMeasuresLink.objects.all().delete()
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    assert len(trial.get("/api/v3_0/assets")) == before
    say("Second push: nothing posted. With all ids forgotten: everything found again, nothing made twice")


def check_changed_plan(trial: Trial, first: ScheduleRun) -> ScheduleRun:
    """Of a changed schedule only the values that differ are posted; the old ones stay known as of before."""
    second = trial.plan(shift=1)
    expected = sum(
        int((np.abs(row.values - stored(first, row.role, row.device, row.quantity)) > 10**-mapping.DECIMALS / 2).sum())
        for row in ScheduleSeries.objects.filter(run=second)
        if (row.role == "plan" and row.quantity in mapping.PLANNED and (row.asset_id or not row.device))
        or (row.role == "input" and row.quantity in mapping.PRICES)
    )
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    assert abs(sum(trial.posts) - expected) <= 2, (trial.posts, expected)
    say(f"Changed plan: {sum(trial.posts)} values posted, {expected} differ")
    trial.equal_to_plan(second)
    old = trial.read("", "import price", prior=first.created_at.isoformat())
    np.testing.assert_allclose(
        np.array(old, float), stored(first, ScheduleSeries.Role.INPUT, "", "import_eur_per_kwh"), atol=1e-6
    )
    say("The prices of the first plan are still known there as of its time")
    return second


def check_stopped_server(trial: Trial, second: ScheduleRun) -> None:
    """A server that is down fails the job in words; once it is back, what was missed arrives."""
    third = trial.plan(shift=2)
    trial.server.web.stop()
    job = trial.push()
    assert job.status == Job.Status.FAILED, job.status
    assert FlexMeasuresServer.objects.get().is_failing
    assert FlexMeasuresLink.objects.exclude(error="").exists()
    say(f"Stopped server: {job.error}")
    trial.server.start()
    trial.equal_to_plan(second)
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    assert not FlexMeasuresServer.objects.get().is_failing
    trial.equal_to_plan(third)


def check_gone_asset(trial: Trial) -> None:
    """A device that somebody deleted there is made again with all that is known of it."""
    remote = trial.sensor("pv", "power").link.remote_id
    assert trial.there is not None
    trial.there.delete(f"/api/v3_0/assets/{remote}").raise_for_status()
    run = trial.plan(shift=3)
    FlexMeasuresSensor.objects.filter(link__remote_id=remote).update(start=None, values=None)
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    assert trial.sensor("pv", "power").link.remote_id != remote
    trial.equal_to_plan(run)
    say("A device that was deleted there was made again")


def check_worker(trial: Trial) -> None:
    """With a worker there, posts are only accepted; ours waits until they are stored."""
    trial.server.start_worker()
    run = trial.plan(shift=4)
    job = trial.push()
    assert job.status == Job.Status.SUCCEEDED, job.error
    say(f"With a worker: {len(trial.posts)} posts accepted and stored")
    trial.equal_to_plan(run)


def stored(run: ScheduleRun, role: str, device: str, quantity: str) -> Any:
    """Return a series of a run as it lies in our table."""
    return ScheduleSeries.objects.get(run=run, role=role, device=device, quantity=quantity).values


def say(text: str) -> None:
    """Print a line at once."""
    print(f"  {text}", flush=True)  # noqa: T201


@contextmanager
def counted(posts: list[int]) -> Iterator[None]:
    """Note how many values each post has."""
    post = Adapter.post

    def counting(self: Adapter, sensor: int, values: Any) -> str | None:
        posts.append(len(values["values"]))
        return post(self, sensor, values)

    Adapter.post = counting  # type: ignore[method-assign]
    try:
        yield
    finally:
        Adapter.post = post  # type: ignore[method-assign]
