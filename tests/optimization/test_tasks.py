from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from assets.models import Site
from flexmarket.models import FlexibilityOffers
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import cancel
from flexplatform.jobs.work import execute
from optimization import services, tasks
from optimization.engine import Horizon, Prices, ProblemError
from optimization.inputs import NoInputsError, site_inputs
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs
from optimization.services import request_schedule, schedule_site
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

HORIZON = Horizon(datetime(2026, 11, 21, 23, tzinfo=UTC), timedelta(hours=1), 24)
PRICES = np.where(np.arange(24) < 12, 0.1, 0.5)
INPUTS = SiteInputs(prices=Prices(import_eur_per_kwh=PRICES), devices={"load": {"demand_kw": np.ones(24)}})


def planned(organization: Organization, **values: Any) -> Site:
    row: Site = SiteFactory(organization=organization, **values)
    BatteryFactory(site=row)
    ElectricLoadFactory(site=row)
    with organization_scope(organization), acting("tests", Door.COMMAND):
        schedule_site(site=row, horizon=HORIZON, series=INPUTS)
    return row


@pytest.fixture
def site(people: People) -> Site:
    return planned(people.a, slug="home", name="Home")


def do(job: Job) -> Job:
    execute(job.pk, worker="w", beat_every=0)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.mark.usefixtures("in_a")
def test_a_job_plans_the_site_and_quantifies_its_offers(site: Site) -> None:
    job = do(request_schedule(site=site, horizon=HORIZON))
    assert job.status == Job.Status.SUCCEEDED, job.error
    run = ScheduleRun.objects.get(job=job)
    assert job.result == {"run": run.pk, "offers": 1}
    assert run.start == HORIZON.start
    assert FlexibilityOffers.objects.filter(run=run).count() == 1
    assert job.result_url == "/o/a/sites/home/?day=2026-11-22"


@pytest.mark.usefixtures("in_a")
def test_a_second_attempt_finds_what_the_first_one_stored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job = do(request_schedule(site=site, horizon=HORIZON))
    rows = ScheduleRun.objects.count(), ScheduleSeries.objects.count(), FlexibilityOffers.objects.count()
    Job.objects.filter(pk=job.pk).update(status=Job.Status.QUEUED, finished_at=None, result={})

    def solve_again(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the site was solved twice")

    monkeypatch.setattr(services, "solve", solve_again)
    assert do(job).result == job.result
    assert rows == (ScheduleRun.objects.count(), ScheduleSeries.objects.count(), FlexibilityOffers.objects.count())


@pytest.mark.usefixtures("in_a")
def test_a_job_that_is_cancelled_while_it_solves_stores_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job = request_schedule(site=site, horizon=HORIZON)
    solve = services.solve

    def cancelled_meanwhile(*arguments: Any, **options: Any) -> Any:
        cancel(job=job)
        return solve(*arguments, **options)

    monkeypatch.setattr(services, "solve", cancelled_meanwhile)
    assert do(job).status == Job.Status.CANCELLED
    assert ScheduleRun.objects.count() == 1


@pytest.mark.usefixtures("in_a")
def test_what_contradicts_physics_is_the_reason_of_a_failed_job(site: Site) -> None:
    BatteryFactory(site=site, name="new", initial_soc_percent=10, min_soc_percent=50)
    ElectricLoadFactory(site=site, name="unknown load")
    job = do(request_schedule(site=site, horizon=HORIZON))
    assert job.status == Job.Status.FAILED
    assert "new" in job.error or "unknown load" in job.error


@pytest.mark.usefixtures("in_a")
def test_a_site_that_is_gone_is_the_reason_of_a_failed_job(site: Site) -> None:
    job = request_schedule(site=site, horizon=HORIZON)
    ScheduleRun.objects.all().delete()
    site.delete()
    assert "does not exist any more" in do(job).error


@pytest.mark.usefixtures("in_a")
def test_a_site_without_prices_is_the_reason_of_a_failed_job(people: People) -> None:
    job = do(request_schedule(site=SiteFactory(organization=people.a, slug="bare"), horizon=HORIZON))
    assert job.error == "bare.tariffs is without one for import; allowed: a tariff for import, or given prices"


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"solver": "oracle"}, "solver"),
        ({"gap": float("nan")}, "gap"),
        ({"gap": -1}, "gap"),
        ({"time_limit": 0}, "time_limit"),
        ({"time_limit": float("inf")}, "time_limit"),
        ({"horizon": Horizon(HORIZON.start, HORIZON.step, 24 * 9)}, "horizon.count"),
    ],
)
def test_a_request_that_no_job_may_have_is_refused(site: Site, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError, match=field):
        request_schedule(**{"site": site, "horizon": HORIZON, **wrong})
    assert not Job.objects.exists()


@pytest.mark.usefixtures("in_a")
def test_a_key_is_bound_to_its_request(site: Site) -> None:
    first = request_schedule(site=site, horizon=HORIZON, idempotency_key="k")
    assert request_schedule(site=site, horizon=HORIZON, idempotency_key="k") == first
    with pytest.raises(JobConflictError):
        request_schedule(site=site, horizon=HORIZON, gap=0.5, idempotency_key="k")


@pytest.mark.usefixtures("in_a")
def test_the_inputs_of_another_day_serve_until_there_are_own_ones(people: People, site: Site) -> None:
    tomorrow = Horizon(HORIZON.end, HORIZON.step, HORIZON.count)
    assert site_inputs(site, tomorrow).prices.import_eur_per_kwh == pytest.approx(PRICES)
    with pytest.raises(NoInputsError, match=r"load\.demand_kw of Home is not known for every step"):
        site_inputs(site, Horizon(HORIZON.end, HORIZON.step, 23))
    sample = SiteFactory(organization=people.a, external_id="bat")
    ElectricLoadFactory(site=sample)
    assert site_inputs(sample, tomorrow).sources["load.demand_kw"] == {"source": "sample", "scenario": "bat"}


def test_the_solvers_clock_is_the_jobs_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[tuple[float, str]] = []

    class FakeWork:
        def report(self, progress: float, text: str) -> None:
            reports.append((progress, text))

    clock = iter([0.0, 30.0, 90.0])
    monkeypatch.setattr(tasks.time, "monotonic", lambda: next(clock))
    report = tasks._reporter(FakeWork(), 60.0)  # type: ignore[arg-type]
    report("build", None)
    report("solve", float("inf"))
    report("solve", 0.0123)
    assert reports == [(0.0, "Building the model"), (0.5, "Solving"), (0.9, "Solving, gap 1.23 %")]


def test_the_button_makes_one_job_however_often_it_is_pressed(people: People, site: Site) -> None:
    client = people.client("alice")
    page = client.get(reverse("site", args=["a", "home"])).content.decode()
    assert "Plan this day again" in page
    url = reverse("plan_site", args=["a", "home"])
    form = {"day": "2026-11-22", "key": "from the page"}
    first, again = client.post(url, form), client.post(url, form)
    assert first.status_code == 302
    assert first["Location"] == again["Location"]
    with organization_scope(people.a):
        job = Job.objects.get()
    assert (job.requested_by, job.title) == (people.alice, "Plan Home on 22 November 2026")
    assert job.input["count"] == 96
    other = client.post(url, {**form, "day": "2026-11-23"}, follow=True).content.decode()
    assert "was used for another request" in other


def test_who_asked_for_a_plan_is_held_to_account_for_it(people: People, site: Site) -> None:
    people.client("alice").post(reverse("plan_site", args=["a", "home"]), {"day": "2026-11-22", "key": "k"})
    with organization_scope(people.a):
        first, job = ScheduleRun.objects.get(), Job.objects.get()
        Job.objects.filter(pk=job.pk).update(input={**job.input, "step_seconds": 3600, "count": 24})
        execute(job.pk, worker="w", beat_every=0)
        events = AuditEvent.objects.order_by("pk").values_list("action", "door", "user__email")
        assert list(events)[1:] == [
            ("job.request", "portal", "alice@example.com"),
            ("schedule.create", "task", "alice@example.com"),
            ("job.end", "task", "alice@example.com"),
        ]
        run = ScheduleRun.objects.exclude(pk=first.pk).get()
        assert AuditEvent.objects.get(action="job.end").after["result"]["run"] == run.pk


def test_a_viewer_has_no_button(people: People, site: Site) -> None:
    assert b"Plan this day again" not in people.client("bob").get(reverse("site", args=["a", "home"])).content


@pytest.mark.parametrize("day", ["", "yesterday", "0001-01-01", "9999-12-31", "\0"])
def test_a_day_that_is_none_leads_back_with_the_reason(people: People, site: Site, day: str) -> None:
    answer = people.client("alice").post(
        reverse("plan_site", args=["a", "home"]), {"day": day, "key": "k"}, follow=True
    )
    assert "Nothing was planned" in answer.content.decode()
