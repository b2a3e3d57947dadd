"""A chunk of a portfolio run: its sites loaded at once, planned one after another, stored together."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F

from assets.models import Site
from flexplatform.jobs.errors import JobError, JobUnfinishedError
from flexplatform.jobs.work import Work
from optimization.after_planning import after_planning
from optimization.engine import ProblemError, SolverError, baseline, solve, warm_starts
from optimization.engine.previous import Remembered
from optimization.fingerprint import fingerprint
from optimization.inputs import LoadedInputs, NoInputsError, load_inputs
from optimization.models import PlannedSite, PortfolioRun, ScheduleRun
from optimization.options import search_of, with_goal
from optimization.problems import load_sites
from optimization.promises import hold, promised_plans
from optimization.queries import newest_runs_of, states_before
from optimization.storing import Solved, store_runs

log = logging.getLogger(__name__)

# After this the rest of a chunk waits for another turn, so that nobody waits for long behind slow sites.
SECONDS_PER_TURN = 10.0
UNFORESEEN = "Something happened that was not foreseen ({error}). The worker's log says more, under site {site}."
Outcome = PlannedSite.Outcome


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What became of a site: a solved problem with what other apps made of it, a run to keep, or a reason."""

    site: Site
    solved: Solved | None = None
    prepared: tuple[tuple[str, Any], ...] = ()
    kept: ScheduleRun | None = None
    reason: str = ""


def plan_chunk(work: Work) -> dict[str, Any]:
    """Do a job of kind `schedule_chunk`: plan those of its sites that have no result yet.

    From the second attempt on every site is stored at once, and the last attempt begins at the other end, so that a
    site that kills its worker takes no other site with it.
    """
    chunk = _Chunk(work)
    turn_ends = time.monotonic() + SECONDS_PER_TURN
    careful, last = work.job.attempts > 1, work.job.attempts >= settings.JOBS_MAX_ATTEMPTS
    results: list[Result] = []
    sites = chunk.sites_without_result()
    for left, result in zip(reversed(range(len(sites))), chunk.results(sites[::-1] if last else sites), strict=True):
        work.report(0.0, "")
        results.append(result)
        over = time.monotonic() > turn_ends
        if careful or over or not left:
            chunk.store(results)
            results = []
        if over and left:
            raise JobUnfinishedError
    return {}


class _Chunk:
    """The sites of one chunk and the run that they belong to."""

    def __init__(self, work: Work) -> None:
        self.work = work
        runs = PortfolioRun.objects.select_related("job")
        self.run = runs.get(pk=work.input["portfolio_run"])

    def sites_without_result(self) -> list[Site]:
        """Return the sites that are left, in the order of the chunk."""
        done = PlannedSite.objects.filter(portfolio_run=self.run).values("site")
        found = Site.objects.filter(pk__in=self.work.input["sites"]).exclude(pk__in=done).in_bulk()
        return [found[pk] for pk in self.work.input["sites"] if pk in found]

    def results(self, sites: Sequence[Site]) -> Iterator[Result]:
        """Yield what became of each site."""
        for _, group in groupby(sites, key=lambda site: site.time_zone):
            rows = list(group)
            horizon = self.run.horizon(rows[0].zone)
            inputs = load_inputs(rows, load_sites(rows, horizon), options=self.run.options)
            newest, before = newest_runs_of(rows, horizon.start), states_before(rows, horizon)
            promised = promised_plans(rows, horizon)
            for site in rows:
                if site.pk in promised:
                    yield Result(site=site, kept=newest.get(site.pk), reason=promised[site.pk])
                else:
                    yield self._result(site, inputs, newest.get(site.pk), before.get(site.pk))

    def _result(
        self, site: Site, inputs: LoadedInputs, newest: ScheduleRun | None, before: Remembered | None
    ) -> Result:
        try:
            return self._planned(site, inputs, newest, before)
        except (ProblemError, SolverError, NoInputsError) as error:
            return Result(site=site, reason=str(error))
        except DatabaseError:
            raise
        except Exception as error:
            log.exception("Site %s could not be planned.", site.pk)
            return Result(site=site, reason=UNFORESEEN.format(error=type(error).__name__, site=site.pk))

    def _planned(
        self, site: Site, inputs: LoadedInputs, newest: ScheduleRun | None, before: Remembered | None
    ) -> Result:
        given = with_goal(inputs.of(site), self.run.options)
        problem = inputs.sites.problem(site, given)
        search = search_of(self.run.options)
        print_ = fingerprint(problem, self.run.solver, search)
        if newest is not None and newest.fingerprint == print_ and newest.gap <= self.run.gap:
            return Result(site=site, kept=newest)
        with warm_starts():
            plan = solve(
                problem,
                solver=self.run.solver,
                gap=self.run.gap,
                time_limit=self.run.time_limit,
                options=search,
                previous=before,
            )
        solved = Solved(
            site=site,
            problem=problem,
            plan=plan,
            uncontrolled=baseline(problem),
            seconds=plan.seconds,
            sources=given.sources,
            fingerprint=print_,
        )
        prepared, reasons = [], []
        for each in after_planning:
            try:
                prepared.append((each.name, each.prepare(problem, plan)))
            except JobError as error:
                reasons.append(str(error))
        return Result(site=site, solved=solved, prepared=tuple(prepared), reason=" ".join(reasons))

    def store(self, results: Sequence[Result]) -> None:
        """Store results in one transaction, count them, and say on the run's job how far it is."""
        with self.work.writing():
            results = self._unpromised(results)
            solved = [each for each in results if each.solved]
            runs = store_runs(
                organization=self.work.organization,
                solved=[each.solved for each in solved if each.solved],
                job=self.run.job,
            )
            made = {each.site.pk: run for each, run in zip(solved, runs, strict=True)}
            self._store_prepared(results, made)
            rows = PlannedSite.objects.bulk_create(self._row(each, made.get(each.site.pk)) for each in results)
            self._count(rows)

    def _unpromised(self, results: Sequence[Result]) -> list[Result]:
        """Return the results without plans that came too late, as something was promised with the old one meanwhile."""
        sites = [each.site for each in results if each.solved]
        hold(sites)
        reasons: dict[int, str] = {}
        for zone in {site.time_zone: site.zone for site in sites}.values():
            of_zone = [site for site in sites if site.zone == zone]
            reasons |= promised_plans(of_zone, self.run.horizon(zone))
        late = {site.pk: Result(site=site, reason=reasons[site.pk]) for site in sites if site.pk in reasons}
        return [late.get(each.site.pk, each) for each in results]

    def _store_prepared(self, results: Sequence[Result], made: dict[int, ScheduleRun]) -> None:
        for each in after_planning:
            given = [(made[result.site.pk], dict(result.prepared)) for result in results if result.solved]
            each.store([(run, prepared[each.name]) for run, prepared in given if each.name in prepared])

    def _row(self, result: Result, made: ScheduleRun | None) -> PlannedSite:
        run = made or result.kept
        outcome = Outcome.PLANNED if made else Outcome.UNCHANGED if result.kept else Outcome.FAILED
        return PlannedSite(
            portfolio_run=self.run,
            site=result.site,
            outcome=outcome,
            run=run,
            saving_eur=run.baseline_cost_eur - run.total_cost_eur if run else 0,
            reason=result.reason,
        )

    def _count(self, rows: Sequence[PlannedSite]) -> None:
        count = {each: sum(row.outcome == each for row in rows) for each in Outcome}
        PortfolioRun.objects.filter(pk=self.run.pk).update(
            planned=F("planned") + count[Outcome.PLANNED],
            unchanged=F("unchanged") + count[Outcome.UNCHANGED],
            failed=F("failed") + count[Outcome.FAILED],
        )
        self.run.refresh_from_db(fields=["site_count", "planned", "unchanged", "failed"])
        self.work.tell_whole(self.run.done / max(self.run.site_count, 1), progress_text(self.run))


def progress_text(run: PortfolioRun) -> str:
    """Return how far a run is, such as "412 of 1,000 sites, 37 a second, 16 s left"."""
    left = run.seconds_left
    text = f"{run.done:,} of {run.site_count:,} sites"
    return text if left is None else f"{text}, {run.sites_per_second:.3g} a second, {left:,.0f} s left"
