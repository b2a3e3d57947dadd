"""Writes of the lab: scenarios, their runs, and what a worker has found."""

import json
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from pathlib import PurePath
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import available_timezones

from django.db import transaction

from flexmarket.engine.methods import DEFAULT_METHOD, METHODS
from flexmarket.lab.inputs import file_of, problem_of
from flexmarket.lab.labels import described
from flexmarket.lab.numbers import Change, Changes
from flexmarket.models import SERIES, Scenario, ScenarioArchive, ScenarioRun, ScenarioSeries
from flexmarket.scenario_run import RunResult
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.bulk import insert_many
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from optimization.engine import ProblemError
from optimization.scenarios import SCENARIOS, InputError, read_bytes
from optimization.scenarios.series import ROW_MINUTES
from optimization.services import REQUEST_GAP, REQUEST_SECONDS, check_options
from optimization.storing import series_rows

SOLVE_SCENARIO = "solve_scenario"
FIRST_YEAR, LAST_YEAR = 1970, 2100
LONGEST_NAME = 100
MOST_SCENARIOS = 500
MOST_RUNS = 100
FIRST_LABEL = "As given"


class ScenarioBusyError(ValueError):
    """Something of the scenario is being solved, so that it cannot be deleted."""


@transaction.atomic
def create_scenario(
    *,
    organization: Organization,
    name: str,
    day: date,
    time_zone: str = "Europe/Berlin",
    step_minutes: int = 15,
    template: str = "",
    file_name: str = "",
    data: bytes | None = None,
) -> Scenario:
    """Store a scenario: a named one (`template`), or an uploaded file, whose content is checked completely.

    Raises:
        ProblemError: for a name, day, time zone, step or template that cannot be.
        InputError: for a file that cannot be used, with everything that is wrong in it.
    """
    _check(name, day, time_zone, step_minutes)
    if bool(template) == (data is not None):
        raise ProblemError("template", template or "empty", "either a template or a file")
    if template and template not in SCENARIOS:
        raise ProblemError("template", template, ", ".join(SCENARIOS))
    if Scenario.objects.filter(organization=organization).count() >= MOST_SCENARIOS:
        raise ProblemError("scenarios", MOST_SCENARIOS, f"at most {MOST_SCENARIOS}; delete some first")
    scenario = Scenario(
        organization=organization,
        name=name,
        template=template,
        file_name=_safe_name(file_name) if data is not None else "",
        file=data,
        day=day,
        time_zone=time_zone,
        step_minutes=step_minutes,
    )
    if data is not None:
        # Before anything else, so that what is wrong is told by its cell.
        read_bytes(data, scenario.file_name)
    problem_of(scenario)
    scenario.save()
    audit.record(organization=organization, action="scenario.create", instance=scenario, after=audit.snapshot(scenario))
    return scenario


@transaction.atomic
def delete_scenario(*, scenario: Scenario) -> None:
    """Delete a scenario with its runs and their files.

    Raises:
        ScenarioBusyError: while one of its runs is not finished.
    """
    if ScenarioRun.objects.filter(scenario=scenario, job__status__in=Job.UNFINISHED).exists():
        raise ScenarioBusyError(f"{scenario} is being solved; cancel that first.")
    before = audit.snapshot(scenario)
    audit.record(organization=scenario.organization, action="scenario.delete", instance=scenario, before=before)
    scenario.delete()


@transaction.atomic
def request_scenario_run(
    *,
    scenario: Scenario,
    label: str = "",
    changes: Changes | None = None,
    solver: str = "milp",
    gap: float = REQUEST_GAP,
    time_limit: float = REQUEST_SECONDS,
    method: str = DEFAULT_METHOD,
    idempotency_key: str = "",
) -> ScenarioRun:
    """Return the run that plans a scenario with changed numbers in the background, and quantifies by `method`.

    Raises:
        ProblemError: for a number or an option that cannot be.
        InputError: for a file that cannot be used any more.
        JobConflictError: when the key belongs to another request.
    """
    check_options(solver, gap, time_limit)
    if method not in METHODS:
        raise ProblemError("method", repr(method[:40]), ", ".join(sorted(METHODS)))
    given = dict(changes or {})
    problem_of(scenario, given)
    if len(label) > LONGEST_NAME:
        raise ProblemError("label", f"{len(label)} characters", f"at most {LONGEST_NAME}")
    if ScenarioRun.objects.filter(scenario=scenario).count() >= MOST_RUNS:
        raise ProblemError("runs", MOST_RUNS, f"at most {MOST_RUNS} of a scenario; upload it again to go on")
    options = {"label": label or _label(given), "changes": given, "solver": solver, "gap": gap}
    options |= {"time_limit": time_limit, "method": method}
    job = enqueue(
        organization=scenario.organization,
        kind=SOLVE_SCENARIO,
        title=f"Solve {scenario.name}: {options['label']}",
        input={"scenario": scenario.pk, **options},
        idempotency_key=idempotency_key,
    )
    run, created = ScenarioRun.objects.get_or_create(
        job=job, defaults={"organization": scenario.organization, "scenario": scenario, **options}
    )
    if created:
        job.result = {"scenario_run": run.pk}
        job.save(update_fields=["result"])
    run.job = job
    return run


def store_result(*, run: ScenarioRun, result: RunResult) -> None:
    """Store what a worker has found for a run, inside its transaction."""
    rows = [
        (run.pk, str(role), device, quantity, values)
        for role, device, quantity, values in series_rows(result.problem, result.schedule, result.uncontrolled)
    ]
    rows += [
        (run.pk, str(ScenarioSeries.Role.OFFERS), name, quantity, values)
        for name, table in result.tables.items()
        for quantity in SERIES
        if (values := getattr(table, quantity)) is not None
    ]
    insert_many(ScenarioSeries, ("run_id", "role", "device", "quantity", "values"), rows)
    kinds = {device.name: device.kind for device in result.problem.devices}
    run.summary = {**result.summary, "kinds": kinds}
    run.save(update_fields=["summary"])
    ScenarioArchive.objects.create(run=run, content=_archive(run, result.files))
    told = {"total_cost_eur": result.summary["total_cost_eur"], "status": result.summary["status"]}
    audit.record(organization=run.organization, action="scenario.solve", instance=run, after=told)


def _archive(run: ScenarioRun, files: Mapping[str, bytes]) -> bytes:
    given = file_of(run.scenario)
    changes = json.dumps(run.changes, indent=2, ensure_ascii=False) + "\n"
    content = {f"input/{given.name}": given.data, "input/changes.json": changes.encode(), **files}
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return archive.getvalue()


def _check(name: str, day: date, time_zone: str, step_minutes: int) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ProblemError("name", repr(name[:40]), f"1 to {LONGEST_NAME} printable characters")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ProblemError("day", day, f"a day between {FIRST_YEAR} and {LAST_YEAR}")
    if time_zone not in available_timezones():
        raise ProblemError("time_zone", repr(time_zone[:40]), "an IANA time zone such as Europe/Berlin")
    if step_minutes not in ROW_MINUTES:
        raise ProblemError("step_minutes", step_minutes, ", ".join(map(str, ROW_MINUTES)))


def _safe_name(name: str) -> str:
    """Return a file's own name without folders, short enough to keep with its ending."""
    plain = PurePath(name.replace("\\", "/")).name
    plain = "".join(each for each in plain if each.isprintable())
    path = PurePath(plain or "upload")
    stem = path.stem[: LONGEST_NAME - len(path.suffix)] if len(path.suffix) < LONGEST_NAME else ""
    if not stem:
        raise InputError("file", f"the name {name[:40]!r}", "a file name ending in .csv or .xlsx")
    return f"{stem}{path.suffix}"


def _label(changes: Changes) -> str:
    text = ", ".join(f"{described(name)} {_shown(value)}" for name, value in changes.items())
    return (text if len(text) <= LONGEST_NAME else f"{len(changes)} changes") or FIRST_LABEL


def _shown(value: Change) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
