"""Rows that never change once an account was closed with them, whoever writes."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models


class ImmutableError(RuntimeError):
    """A write to a row of a closed account: it is corrected by a new version."""

    def __init__(self, what: object) -> None:
        super().__init__(f"{what} is part of a closed statement and never changes; a new version corrects it.")


class ImmutableRows(models.QuerySet[Any]):
    """Rows of an `Immutable` table."""

    def update(self, **values: Any) -> int:
        """Change rows.

        Raises:
            ImmutableError: where one of them is fixed.
        """
        if values != self.model.STILL_CHANGES:
            self._refuse_fixed()
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete rows; raises as `update`."""
        self._refuse_fixed()
        return super().delete()

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Change rows; raises as `update`."""
        rows = list(objs)
        self.filter(pk__in=[each.pk for each in rows])._refuse_fixed()
        return super().bulk_update(rows, fields, batch_size)

    def _refuse_fixed(self) -> None:
        found = self.filter(self.model.FIXED).order_by().first()
        if found is not None:
            raise ImmutableError(found)


ImmutableManager = models.Manager.from_queryset(ImmutableRows)


class Immutable(models.Model):
    """A row that is fixed once the condition `FIXED` holds of what is stored; then only `STILL_CHANGES` is written."""

    FIXED: ClassVar[models.Q]
    STILL_CHANGES: ClassVar[dict[str, Any] | None] = None

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row.

        Raises:
            ImmutableError: where it is fixed.
        """
        self._refuse_fixed()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row; raises as `save`."""
        self._refuse_fixed()
        return super().delete(*args, **kwargs)

    def _refuse_fixed(self) -> None:
        stored = type(self)._base_manager.filter(pk=self.pk) if self.pk is not None else None
        if stored is not None and stored.filter(self.FIXED).exists():
            raise ImmutableError(self)
