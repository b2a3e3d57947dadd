"""Which prices and series a site is planned with; the one place that decides it."""

from assets.models import Site
from optimization.engine.horizon import Horizon
from optimization.models import ScheduleRun
from optimization.problems import SiteInputs, with_tariffs
from optimization.queries import inputs_of
from optimization.scenarios import SCENARIOS, named_scenario


class NoInputsError(LookupError):
    """There is nothing to plan a site with."""


def site_inputs(site: Site, horizon: Horizon) -> SiteInputs:
    """Return the inputs of a site over a horizon.

    Prices are those of its tariffs, where it has tariffs. The rest are those of the newest run of this horizon; else
    the sample day of the scenario that the site was made from; else those of the newest run of another day with the
    same steps.

    Raises:
        NoInputsError: when there are none of them.
        ProblemError: names the time that a tariff has no price for.
    """
    return with_tariffs(site, horizon, _known_inputs(site, horizon))


def _known_inputs(site: Site, horizon: Horizon) -> SiteInputs:
    seconds = round(horizon.step.total_seconds())
    alike = ScheduleRun.objects.filter(site=site, step_seconds=seconds, count=horizon.count)
    newest = alike.filter(start=horizon.start).first()
    if newest is None and site.external_id in SCENARIOS:
        return sample_inputs(site, horizon)
    newest = newest or alike.order_by("-start", "-created_at", "-id").first()
    if newest is None:
        raise NoInputsError(f"There are no prices and series to plan {site} with from {horizon.start:%Y-%m-%d}.")
    return inputs_of(newest)


def sample_inputs(site: Site, horizon: Horizon) -> SiteInputs:
    """Return the shipped sample day of the scenario that the site was made from."""
    scenario = named_scenario(site.external_id)
    return SiteInputs.of(scenario.problem(scenario.sample_series(horizon, site.zone), horizon, site.zone))
