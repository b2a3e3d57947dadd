"""Reads of stored offers."""

from flexmarket.engine import methods
from flexmarket.engine.table import FlexTable
from flexmarket.models import FlexibilityOffers
from optimization.models import ScheduleRun

DEFAULT_METHOD = methods.DEFAULT_METHOD


def known_method(text: str) -> str:
    """Return the method of this name; the default one for none, or for a name that is not known."""
    return text if text in methods.METHODS else DEFAULT_METHOD


def tables_of(run: ScheduleRun, method: str = DEFAULT_METHOD) -> dict[str, FlexTable]:
    """Return the flexibility tables of a run by device name."""
    return {row.device: row.table for row in FlexibilityOffers.objects.filter(run=run, method=method).order_by("id")}
