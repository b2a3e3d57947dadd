"""Two portfolio runs side by side, site by site."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimization.comparison import Compared, Figure, compared
from optimization.models import PlannedSite, PortfolioRun

COLUMNS = ("site_id", "site__name", "site__slug", "outcome", "reason")
MONEY = ("run__total_cost_eur", "run__baseline_cost_eur", "saving_eur")


@dataclass(frozen=True)
class SiteResult:
    """What became of a site in one of the runs; None where it has no plan."""

    outcome: str
    reason: str
    cost_eur: float | None
    saving_eur: float | None


@dataclass(frozen=True)
class SiteDifference:
    """A site in both runs; None where it was not part of one."""

    site_id: int
    name: str
    slug: str
    before: SiteResult | None
    after: SiteResult | None

    @property
    def failed(self) -> list[SiteResult]:
        """The results that are no plan, each with its reason."""
        return [each for each in (self.before, self.after) if each is not None and each.cost_eur is None]

    @property
    def reasons(self) -> list[str]:
        """Why there is no plan, for each run without one."""
        return [each.reason for each in self.failed]

    @property
    def cost_difference_eur(self) -> float | None:
        """What the second plan costs more, EUR."""
        before = self.before.cost_eur if self.before else None
        after = self.after.cost_eur if self.after else None
        return None if before is None or after is None else after - before


def site_differences(before: PortfolioRun, after: PortfolioRun) -> list[SiteDifference]:
    """Return every site of both runs, the greatest difference of cost first, then those without one; one query."""
    rows = PlannedSite.objects.filter(portfolio_run__in=[before, after]).order_by("site__name", "site_id")
    found: dict[int, dict[str, Any]] = {}
    for run, site, name, slug, outcome, reason, cost, _baseline, saving in rows.values_list(
        "portfolio_run_id", *COLUMNS, *MONEY
    ):
        result = SiteResult(
            outcome, reason, None if cost is None else float(cost), None if cost is None else float(saving)
        )
        known = found.setdefault(site, {"name": name, "slug": slug, "results": {}})
        known["results"][run] = result
    differences = [
        SiteDifference(site, each["name"], each["slug"], each["results"].get(before.pk), each["results"].get(after.pk))
        for site, each in found.items()
    ]
    return sorted(differences, key=_rank)


def compared_portfolios(differences: Sequence[SiteDifference]) -> list[Compared]:
    """Return the sums of both runs; costs only over sites that both have planned, so that they can be compared."""
    both = [each for each in differences if each.cost_difference_eur is not None]
    return compared(*(_figures([getattr(each, side) for each in both]) for side in ("before", "after")))


def _figures(results: Sequence[SiteResult]) -> list[Figure]:
    return [
        Figure("sites", "Sites planned in both runs", "", len(results), "neither"),
        Figure("total_cost_eur", "Cost of these sites", "EUR", sum(each.cost_eur or 0 for each in results)),
        Figure("saving_eur", "Saving of these sites", "EUR", sum(each.saving_eur or 0 for each in results), "higher"),
    ]


def _rank(each: SiteDifference) -> tuple[bool, float]:
    difference = each.cost_difference_eur
    return difference is None, -abs(difference or 0.0)
