"""What a worker does for the lab."""

from typing import Any

from django.urls import reverse

from flexmarket.lab.inputs import inputs_of, options_of
from flexmarket.lab.services import store_result
from flexmarket.models import ScenarioRun
from flexmarket.scenario_run import Phases, PlanRejectedError, plan_scenario
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import Work
from optimization.scenarios import InputError

# How far the work is when a phase begins, and what people read then.
PHASES = {
    "prepare": (0.0, "Reading the input"),
    "build": (0.1, "Building the model"),
    "solve": (0.2, "Solving"),
    "verify": (0.6, "Checking the plan"),
    "baseline": (0.62, "Planning without control"),
    "offers": (0.65, "Quantifying flexibility"),
    "plots": (0.7, "Drawing"),
    "tables": (0.95, "Writing tables"),
}


def solve_scenario(work: Work) -> dict[str, Any]:
    """Do a job of kind `solve_scenario`: plan the scenario with its changed numbers, and store everything."""
    run = ScenarioRun.objects.select_related("scenario", "organization").filter(job=work.job).first()
    if run is None:
        raise JobError("The scenario does not exist any more.")
    if not run.solved:
        scenario = run.scenario
        try:
            inputs = inputs_of(scenario, run.changes)
            result = plan_scenario(inputs, options_of(scenario, run), Phases(_reporter(work)))
        except (InputError, PlanRejectedError) as error:
            raise JobError(str(error)) from error
        with work.writing():
            store_result(run=run, result=result)
    return {"scenario_run": run.pk}


def solved_page(job: Job) -> str | None:
    """Return the page of the run that the job has solved."""
    run = ScenarioRun.objects.filter(job=job).first()
    return reverse("scenario_run", args=[job.organization.slug, run.scenario_id, run.pk]) if run else None


def _reporter(work: Work) -> Any:
    def report(phase: str, gap: float | None) -> None:
        share, text = PHASES.get(phase, PHASES["solve"])
        known = gap is not None and gap < 1
        work.report(share, f"{text}, gap {100 * gap:.2f} %" if known and gap else text)

    return report
