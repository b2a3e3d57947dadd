"""Writing many devices by few statements; Django's `bulk_create` knows no rows that extend another table."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from assets.models import Asset

BATCH = 500


@transaction.atomic
def bulk_create_assets(rows: Sequence[Asset]) -> None:
    """Store new devices of one kind: their shared rows, then those of their own table."""
    if not rows:
        return
    model = type(rows[0])
    shared = {field.name: field.attname for field in Asset._meta.local_concrete_fields if not field.primary_key}
    parents = Asset.objects.bulk_create(
        (
            Asset(**{attname: getattr(row, attname) for attname in shared.values()} | {"kind": model.KIND})
            for row in rows
        ),
        batch_size=BATCH,
    )
    for row, parent in zip(rows, parents, strict=True):
        row.pk = parent.pk
        row.kind = model.KIND
        row._state.adding = False
        row._state.db = parent._state.db
    inserting: Any = model._base_manager.get_queryset()
    inserting._for_write = True
    inserting._batched_insert(list(rows), model._meta.local_concrete_fields, BATCH)
