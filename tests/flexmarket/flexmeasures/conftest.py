from collections.abc import Callable, Iterator

import pytest
import time_machine

from assets.models import Asset, Site
from flexmarket.flexmeasures import tasks
from flexmarket.flexmeasures.services import request_push, set_server
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from optimization.models import ScheduleRun, ScheduleSeries
from tests.conftest import People
from tests.factories import START, planned_site
from tests.flexmarket.flexmeasures.answers import ACCOUNT, URL, LittleServer, adapter

Push = Callable[[], Job]


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    """Work in organization A as Alice, an hour before the plan begins."""
    travelling = time_machine.travel(START.replace(hour=22), tick=True)
    with travelling, organization_scope(people.a), acting(people.alice, Door.PORTAL):
        yield


@pytest.fixture
def home(people: People, in_a: None) -> tuple[Site, ScheduleRun]:
    """Store a site with a battery and a load, and its plan."""
    return belonging(*planned_site(people.a, slug="home", name="Home"))


def belonging(site: Site, run: ScheduleRun) -> tuple[Site, ScheduleRun]:
    """Return a planned site whose series belong to its devices, as those of real plans do."""
    for asset in Asset.objects.filter(site=site):
        ScheduleSeries.objects.filter(run=run, device=asset.name).update(asset=asset)
    return site, run


@pytest.fixture
def server(people: People, in_a: None, monkeypatch: pytest.MonkeyPatch) -> LittleServer:
    """Reflect organization A in a server in memory."""
    little = LittleServer()
    monkeypatch.setattr(tasks, "adapter_of", lambda _work, _server: adapter(little))
    values = {"url": URL, "email": ACCOUNT.email, "enabled": True}
    set_server(organization=people.a, values=values, secret=ACCOUNT.secret)
    return little


@pytest.fixture
def push(people: People, server: LittleServer) -> Push:
    """Push all sites as a worker does, and return the job as it ended."""

    def push_all() -> Job:
        job = request_push(organization=people.a)
        execute(job.pk, worker="tests", beat_every=0)
        job.refresh_from_db()
        return job

    return push_all
