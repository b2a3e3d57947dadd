"""What the portal asks for in words of the site: a local day."""

from django import forms

from assets.models import Site
from optimization.engine.horizon import Horizon
from optimization.portfolio_runs import FIRST_YEAR, LAST_YEAR


class PlanForm(forms.Form):
    """A local day to plan, and the key that makes a second click the same request."""

    day = forms.DateField(input_formats=["%Y-%m-%d"])
    key = forms.CharField(max_length=200)

    def clean_day(self) -> object:
        """Refuse years that no calendar of a market has."""
        day = self.cleaned_data["day"]
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError("Choose a day between 1970 and 2199.")
        return day

    @property
    def reason(self) -> str:
        """The first error in words."""
        return next((f"{name}: {errors[0]}" for name, errors in self.errors.items()), "")

    def horizon(self, site: Site) -> Horizon:
        """Return the site's market day in quarter-hours."""
        return Horizon.market_day(self.cleaned_data["day"], site.zone)
