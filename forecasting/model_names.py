"""What models are called in front of people; one that is not named here is called as it is registered."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: Mapping[str, str | Promise] = {
    "yesterday": _("As yesterday"),
    "last_week": _("As a week ago"),
    "climatology": _("Mean of similar days"),
    "ridge": _("Ridge regression"),
    "boosting": _("Gradient boosting"),
    "blend": _("Ridge and boosting"),
    "physical_pv": _("Physics of the plant"),
    "physical_wind": _("Power curve"),
    "degree_days": _("Degree days"),
    "standard_profile": _("Standard load profile"),
    "ev_stays": _("Stays of the vehicle"),
}


def model_label(name: str) -> str:
    """Return what people call a model; empty for none."""
    return str(NAMES.get(name, name.replace("_", " ")))
