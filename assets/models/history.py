"""The history of configuration: who changed which row when; scoped like the rows themselves."""

from typing import Any, ClassVar

from django.db import models
from django.dispatch import receiver
from django_scopes import ScopedManager
from simple_history import register
from simple_history.manager import HistoricalQuerySet, HistoryManager
from simple_history.signals import pre_create_historical_record

from assets.models.checked import Checked
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization, User


class HistoryRow(models.Model):
    """A row as it was; keeps its organization even when what it hung on is deleted."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[models.Manager["HistoryRow"]] = ScopedManager(
        models.Manager.from_queryset(HistoricalQuerySet), organization="organization"
    )

    class Meta:
        abstract = True


class ScopedHistory(HistoryManager):
    """Reads the history inside the scope only; outside of it every query raises."""

    def get_super_queryset(self) -> Any:
        """Return the rows of the organization in scope."""
        return self.model.objects.get_queryset()


def track(model: type[Checked]) -> None:
    """Keep the history of a table from now on."""
    register(model, app="assets", bases=[HistoryRow], history_manager=ScopedHistory, get_user=_acting_user)


def history_of(row_or_model: Checked | type[Checked]) -> Any:
    """Return the manager of the history of a row, or of a whole table; newest first."""
    return row_or_model.history  # type: ignore[union-attr]


def _acting_user(**_: Any) -> User | None:
    try:
        return audit.current().user
    except audit.NoActorError:
        return None


@receiver(pre_create_historical_record)
def _keep_organization(instance: Any, history_instance: Any, **_: Any) -> None:
    if isinstance(instance, Checked):
        history_instance.organization_id = instance.tenant_id
