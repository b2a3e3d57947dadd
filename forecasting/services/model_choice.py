"""Which model forecasts each channel: the best of a rolling back-test on its last days, chosen anew every week."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.engine.backtest import Record
from forecasting.engine.choice import Comparison, compare, suitable
from forecasting.engine.models import MODELS, NAIVE
from forecasting.engine.protocol import DAY, Model
from forecasting.histories import STEP, Histories, Known, by_kind, histories_of, origin_of, steps_ahead
from forecasting.model_store import store
from forecasting.models import ChannelForecast
from forecasting.services.forecasting import RARELY_TRAINED_DAYS, Progress, Writing

# Days back whose begin is an origin: workdays and a weekend's day among them, the newest first to be known.
DAYS_BACK = (10, 6, 3, 1)
LEAST_DAYS = 3.0


def choose_for(
    *,
    organization: Organization,
    own: Sequence[int],
    train: Sequence[int] | None,
    at: datetime,
    writing: Writing = transaction.atomic,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Back-test the models on some channels and note the best of each; return how often each is the best.

    With `train`, the models that many channels share are trained anew on those channels and kept.
    """
    origin = origin_of(at)
    if train:
        _train(organization, train, origin, at, progress)
    found: dict[str, int] = {}
    histories = histories_of(_rows(organization, own), origin, at)
    for kind, zone, members in by_kind([each for each in histories.known if not each.is_dead]):
        compared = _compared(histories, members, kind, zone)
        with writing():
            for model in _store(organization, members, compared, at):
                found[model] = found.get(model, 0) + 1
        if progress:
            progress(0.9, f"{sum(found.values())} channels")
    return found


def _rows(organization: Organization, own: Sequence[int]) -> list[ChannelForecast]:
    rows = ChannelForecast.objects.filter(pk__in=own, organization=organization)
    return list(rows.select_related("channel__site__organization", "channel__asset").order_by("pk"))


def _train(
    organization: Organization, own: Sequence[int], origin: datetime, at: datetime, progress: Progress | None
) -> None:
    histories = histories_of(_rows(organization, own), origin, at)
    kinds: dict[str, list[Known]] = {}
    for each in histories.known:
        if not each.is_dead:
            kinds.setdefault(each.facts.kind, []).append(each)
    for kind, members in kinds.items():
        horizon = max(steps_ahead(origin, each.facts.zone) for each in members)
        batch = histories.batch(members, horizon)
        for model in MODELS.values():
            shared = model.fit_every_days > RARELY_TRAINED_DAYS and model in suitable(kind, np.inf)
            if shared and batch.with_history(model.minimum_history_days):
                if progress:
                    progress(0.1, f"Training {model.name} of {kind}")
                store.save(organization.pk, kind, model, model.fit(batch))


def _compared(histories: Histories, members: Sequence[Known], kind: str, zone: ZoneInfo) -> Mapping[str, Comparison]:
    batch = histories.batch(members, 1)
    inputs = {name: values[:, :-1] for name, values in batch.inputs.items()}
    record = Record(batch.channels, batch.known_grid.start, STEP, batch.history, inputs)
    today = histories.origin.astimezone(zone).date()
    midnights = [datetime.combine(today - back * DAY, time(), zone).astimezone(UTC) for back in DAYS_BACK]
    longest = float(batch.history_days.max(initial=0.0))
    origins = [each for each in midnights if histories.origin - each <= (longest - LEAST_DAYS) * DAY]
    models = _to_compare(kind, longest - DAYS_BACK[0])
    return compare(record, models, origins) if origins and models else {}


def _to_compare(kind: str, history_days: float) -> list[Model]:
    return suitable(kind, max(history_days, MODELS[NAIVE].minimum_history_days))


def _store(
    organization: Organization, members: Sequence[Known], compared: Mapping[str, Comparison], at: datetime
) -> list[str]:
    changed, chosen = [], []
    for each in members:
        found = compared.get(each.facts.name)
        if found is None:
            continue
        own, before = each.own, each.own.chosen_model
        naive = found.scores.get(NAIVE)
        own.scores_by_model = {model: score.as_json(naive) for model, score in found.scores.items()}
        own.chosen_model, own.chosen_at = found.best, at
        chosen.append(own)
        if before != found.best:
            changed.append((own, {"chosen_model": before}, {"chosen_model": found.best}))
    ChannelForecast.objects.bulk_update(chosen, ["scores_by_model", "chosen_model", "chosen_at"])
    audit.record_many(organization=organization, action="channelforecast.choose", rows=changed)
    return [own.chosen_model for own in chosen]
