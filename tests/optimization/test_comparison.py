"""Starting runs from one form, and comparing two runs, in the portal and in the API."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.test import Client
from rest_framework.test import APIClient

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from optimization.comparison import Figure, Side, compared, overlaid
from optimization.engine import ProblemError
from optimization.models import PlannedSite, PortfolioRun, ScheduleRun
from optimization.options import checked
from optimization.portfolio_runs import request_portfolio_run
from tests.api.conftest import of_a, of_b
from tests.conftest import People
from tests.factories import SiteFactory, planned_site
from tests.optimization.portfolios import HORIZON, ready_sites, work_off

__all__ = ["of_a", "of_b"]

START = "/o/a/plan/"
FORM = {"day": "2026-11-22", "solver": "milp", "gap_percent": "0.1", "time_limit": "10", "key": "k"}


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def alice(people: People, in_a: None) -> Client:
    return people.client("alice")


def test_figures_are_compared_by_name_and_judged() -> None:
    before = [Figure("cost", "Cost", "EUR", 3.0), Figure("saving", "Saving", "EUR", 1.0, "higher")]
    after = [Figure("cost", "Cost", "EUR", 2.0), Figure("peak", "Peak", "kW", 5.0)]
    cost, saving, peak = compared(before, after)
    assert (cost.difference, cost.verdict) == (-1, "better")
    assert (saving.before, saving.after, saving.difference, saving.verdict) == (1, None, None, "same")
    assert (peak.before, peak.after) == (None, 5)


def test_plans_of_other_steps_are_not_laid_over_each_other() -> None:
    plan = {"": {"grid_power_kw": np.ones(4)}}
    quarter, hour = (Side(label="x", step_seconds=each, plan=plan, kinds={}) for each in (900, 3600))
    assert overlaid(quarter, hour) == []
    assert [chart.name for chart in overlaid(hour, hour)] == ["power"]


@pytest.mark.parametrize(
    ("options", "solver", "told"),
    [
        ({"colour": 1}, "milp", "options.colour is 1; allowed: cost_weight"),
        ({"seed": 1}, "milp", "options.seed is 1; allowed: nothing for solver milp"),
        ({"seed": -1}, "ga", "options.seed is -1"),
        ({"evaluations": 10**9}, "ga", "options.evaluations is 1000000000; allowed: at most 1000000"),
        ({"cost_weight": -1}, "milp", "objective.cost_weight is -1"),
        ({"cost_weight": 0, "co2_eur_per_kg": 0}, "milp", "objective.cost_weight is 0"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], solver: str, told: str) -> None:
    with pytest.raises(ProblemError) as caught:
        checked(options, solver)
    assert told in str(caught.value)


def test_one_form_starts_a_site_a_portfolio_and_all_sites(people: People, alice: Client) -> None:
    site, other = ready_sites(people.a, 2)
    assert alice.get(START, {"site": site.slug}).context["form"]["site"].value() == site.slug
    job = alice.post(START, {**FORM, "site": site.slug})["Location"]
    assert Job.objects.get(pk=job.split("/")[-2]).input["site"] == site.pk
    run = alice.post(START, {**FORM, "portfolio": other.portfolio_id, "key": "p"})["Location"]
    assert PortfolioRun.objects.get(pk=run.split("/")[-2]).portfolio == other.portfolio
    assert alice.post(START, {**FORM, "key": "p", "portfolio": other.portfolio_id})["Location"] == run
    everything = alice.post(START, {**FORM, "key": "e"})["Location"]
    assert PortfolioRun.objects.get(pk=everything.split("/")[-2]).portfolio is None


def test_goal_and_search_reach_the_solver(people: People, alice: Client) -> None:
    (site,) = ready_sites(people.a, 1)
    form = {**FORM, "site": site.name, "solver": "ga", "seed": "3", "evaluations": "20", "population": "4"}
    window = {"start": "2026-11-22T06:00", "hours": "2", "co2_eur_per_kg": "0.5", "cost_weight": "1"}
    alice.post(START, {**form, **window})
    job = Job.objects.get(kind="schedule_site")
    assert job.input["options"] == {"co2_eur_per_kg": 0.5, "seed": 3, "evaluations": 20, "population": 4}
    assert (job.input["start"], job.input["step_seconds"], job.input["count"]) == ("2026-11-22T05:00:00+00:00", 900, 8)


def test_a_portfolio_run_is_planned_towards_its_goal(people: People, in_a: None) -> None:
    ready_sites(people.a, 1)
    request_portfolio_run(organization=people.a, when=HORIZON, options={"co2_eur_per_kg": 0.25})
    work_off()
    assert ScheduleRun.objects.get().parameters["co2_eur_per_kg"] == 0.25


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"day": ""}, "Choose a day, or a window."),
        ({"site": "nowhere"}, "nowhere is no site of A."),
        ({"solver": "magic"}, "magic is not one of the available choices"),
        ({"day": "9999-12-31"}, "day is 9999-12-31"),
        ({"solver": "ga", "population": "2"}, "greater than or equal to 4"),
        ({"cost_weight": "0"}, "objective.cost_weight is 0"),
        ({"portfolio": "77"}, "not one of the available choices"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again(people: People, alice: Client, form: dict[str, str], told: str) -> None:
    ready_sites(people.a, 1)
    answer = alice.post(START, {**FORM, **form})
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Job.objects.exists()


def again(run: ScheduleRun, **changed: Any) -> ScheduleRun:
    """Store a second run of a site, with the same series."""
    series = list(run.series.all())
    other = ScheduleRun.objects.get(pk=run.pk)
    other.pk = None
    for name, value in changed.items():
        setattr(other, name, value)
    other.save()
    for each in series:
        each.pk, each.run = None, other
        each.save()
    return other


def test_two_runs_of_a_site_are_compared(people: People, alice: Client, of_a: APIClient) -> None:
    _, before = planned_site(people.a, slug="home")
    after = again(before, total_cost_eur=1)
    assert alice.get("/o/a/sites/home/runs/").content.decode().count('name="before"') == 2
    chosen = alice.get("/o/a/sites/home/runs/compare/", {"before": before.pk, "after": after.pk})["Location"]
    page = alice.get(chosen)
    cost = next(each for each in page.context["figures"] if each.name == "total_cost_eur")
    assert (cost.before, cost.after, cost.verdict) == (1.5, 1.0, "better")
    charts = alice.get(f"{chosen}charts.json").json()
    assert [chart["name"] for chart in charts["charts"]] == ["power", "contents"]
    answer = of_a.get(f"/api/v1/schedule-runs/{before.pk}/compare/", {"run": after.pk}).json()
    assert answer["figures"][0]["difference"] == -0.5
    _, elsewhere = planned_site(people.a, slug="elsewhere")
    assert alice.get(f"/o/a/runs/{before.pk}/compare/{elsewhere.pk}/").status_code == 404
    refused = of_a.get(f"/api/v1/schedule-runs/{before.pk}/compare/", {"run": elsewhere.pk})
    assert refused.status_code == 400
    assert "allowed" in refused.json()["detail"]


def test_a_choice_of_one_run_leads_back(people: People, alice: Client) -> None:
    _, run = planned_site(people.a, slug="home")
    for query in ({}, {"before": run.pk, "after": run.pk}, {"before": "x", "after": "\0"}, {"before": "9" * 30}):
        assert alice.get("/o/a/sites/home/runs/compare/", query)["Location"] == "/o/a/sites/home/runs/"
    assert alice.get("/o/a/portfolio-runs/compare/")["Location"] == "/o/a/portfolio-runs/"


@pytest.fixture
def pair(people: People, in_a: None) -> tuple[PortfolioRun, PortfolioRun]:
    """Two runs over two sites; the second one costs more at the second site, and has a site that failed."""
    first, run_1 = planned_site(people.a, name="First")
    second, run_2 = planned_site(people.a, name="Second")
    bare = SiteFactory(organization=people.a, name="Bare")
    made = []
    for dearer in (run_2, again(run_2, total_cost_eur=4)):
        job = Job.objects.create(organization=people.a, kind="schedule_portfolio", title="Plan all")
        run = PortfolioRun.objects.create(
            organization=people.a, job=job, day="2026-11-22", solver="milp", gap=0.1, time_limit=1
        )
        for site, of_site in ((first, run_1), (second, dearer)):
            saving = of_site.baseline_cost_eur - of_site.total_cost_eur
            PlannedSite.objects.create(portfolio_run=run, site=site, outcome="planned", run=of_site, saving_eur=saving)
        made.append(run)
    PlannedSite.objects.create(portfolio_run=made[1], site=bare, outcome="failed", reason="no tariff")
    return made[0], made[1]


def test_two_portfolio_runs_are_compared_site_by_site(
    alice: Client, of_a: APIClient, pair: tuple[PortfolioRun, PortfolioRun]
) -> None:
    before, after = pair
    page = alice.get(f"/o/a/portfolio-runs/{before.pk}/compare/{after.pk}/")
    rows = [(each.name, each.cost_difference_eur) for each in page.context["page"]]
    assert rows == [("Second", 2.5), ("First", 0.0), ("Bare", None)]
    assert "no tariff" in page.content.decode()
    assert [(each.before, each.after) for each in page.context["figures"]] == [(2, 2), (3.0, 5.5), (1.0, -1.5)]
    answer = of_a.get(f"/api/v1/portfolio-runs/{before.pk}/compare/", {"portfolio_run": after.pk}).json()
    assert [each["difference_eur"] for each in answer["sites"]] == [2.5, 0.0, None]
    assert answer["sites"][2]["reasons"] == ["no tariff"]


def test_results_are_sorted_as_asked(alice: Client, pair: tuple[PortfolioRun, PortfolioRun]) -> None:
    def names(order: str) -> list[str]:
        page = alice.get(f"/o/a/portfolio-runs/{pair[1].pk}/", {"order": order})
        return [row.site.name for row in page.context["results"]]

    assert names("-saving") == names("nonsense") == ["First", "Bare", "Second"]
    assert names("-cost") == ["Second", "First", "Bare"]
    assert names("site") == ["Bare", "First", "Second"]


@pytest.mark.parametrize("count", [1, 3])
def test_comparisons_ask_no_more_for_more_sites(
    people: People, alice: Client, count: int, django_assert_num_queries: Any
) -> None:
    runs = []
    for _ in range(2):
        job = Job.objects.create(organization=people.a, kind="schedule_portfolio", title="Plan all")
        options = {"day": "2026-11-22", "solver": "milp", "gap": 0.1, "time_limit": 1}
        runs.append(PortfolioRun.objects.create(organization=people.a, job=job, **options))
    for _ in range(count):
        site, run = planned_site(people.a)
        for each in runs:
            PlannedSite.objects.create(portfolio_run=each, site=site, outcome="planned", run=run)
        again(run)
    compare = f"/o/a/portfolio-runs/{runs[0].pk}/compare/{runs[1].pk}/"
    for page, queries in ((compare, 6), (f"/o/a/sites/{site.slug}/runs/", 6), (START, 5)):
        alice.get(page)
        with django_assert_num_queries(queries):
            alice.get(page)
