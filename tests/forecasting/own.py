"""A channel that is measured, and forecasts of its own made at a time that stands still."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine

from assets.models import Asset, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute_next
from forecasting.services import (
    request_forecasts,
)
from telemetry.batches import ReadingBatch
from telemetry.models import Channel
from telemetry.services import Reference, ensure_channels, store_readings
from tests.conftest import People
from tests.factories import ElectricLoadFactory, SiteFactory

NOW = datetime(2026, 11, 21, 1, 40, 30, tzinfo=UTC)
ORIGIN = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        yield


def home(organization: Organization, days: int = 0, *, level: float = 1.0, **load: Any) -> tuple[Site, Channel]:
    """Return a site with a load whose demand was measured for some days: more by day, less at night."""
    site: Site = SiteFactory(organization=organization)
    asset: Asset = ElectricLoadFactory(site=site, **load)
    (channel,) = ensure_channels(
        organization=organization, references=[Reference(asset=asset.pk, quantity="demand_kw")]
    )
    if days:
        measure(channel, demand(days, level))
        channel.refresh_from_db()
    return site, channel


def demand(days: int, level: float = 1.0) -> "np.typing.NDArray[np.float64]":
    """Return quarter-hours of whole days until the origin."""
    steps = np.arange(days * 96)
    noise = np.random.default_rng(1).normal(0, 0.05, len(steps))
    return level * (2 + np.sin(steps / 96 * 2 * np.pi) + noise)


def measure(channel: Channel, values: "np.typing.NDArray[np.float64]", until: datetime = ORIGIN) -> None:
    """Store a reading in each of the quarter-hours before a time; what is not-a-number was not measured."""
    until_us = int(until.timestamp()) * 1_000_000
    times = until_us - (len(values) - np.arange(len(values))) * 900_000_000
    known = np.isfinite(values)
    store_readings(
        batch=ReadingBatch.of(
            [channel.pk] * int(known.sum()), times[known].tolist(), values[known].tolist(), times[known].tolist()
        )
    )


def work_all() -> None:
    """Do all jobs that wait, and what they hand out."""
    while execute_next("tests", beat_every=0):
        pass


def nightly(organization: Organization) -> Job:
    """Ask for the forecasts of an organization, have them made, and return the job."""
    job = request_forecasts(organization=organization)
    work_all()
    job.refresh_from_db()
    return job
