"""Jobs that forecast: the channels of an organization cut into chunks, which are jobs of their own.

The models are loaded by the functions that need them, as that takes longer than most commands.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from forecasting.models import ChannelForecast
from forecasting.price_queries import wanted_series
from forecasting.services.own_channels import ensure_own_forecasts, wanted_ids
from forecasting.services.own_requests import CHOOSE_CHUNK, FORECAST_CHUNK

CHANNELS_PER_CHUNK = 250
CHANNELS_PER_CHOICE = 60
MOST_TOLD = 50


def hand_out_forecasts(work: Work) -> Result:
    """Do a job of kind `forecast_organization`: make what is missing, and cut the channels into chunks."""
    channels = work.input["channels"]
    with work.writing():
        if channels is None:
            ensure_own_forecasts(organization=work.organization)
        wanted = wanted_ids(work.organization, channels)
        at = work.input.get("at") or work.job.created_at.isoformat()
        parts: list[dict[str, Any]] = [{"own": ids, "at": at} for ids in _cut(wanted, CHANNELS_PER_CHUNK)]
        series = list(wanted_series(work.organization).values_list("pk", flat=True)) if channels is None else []
        if series:
            parts.append({"own": [], "prices": series, "at": at})
        work.hand_out(FORECAST_CHUNK, parts)
    return {}


def forecast_chunk(work: Work) -> Result:
    """Do a job of kind `forecast_chunk`; what an earlier attempt stored is left as it is."""
    from forecasting.services.forecasting import forecast_channels
    from forecasting.services.price_forecasting import forecast_prices

    at = datetime.fromisoformat(work.input["at"])
    if prices := work.input.get("prices"):
        work.report(0.0, "Forecasting prices")
        made = forecast_prices(organization=work.organization, series=prices, at=at, writing=work.writing)
        with transaction.atomic():
            _tell_whole(work)
        return {"prices": made.forecasts, "prices_left_out": made.left_out}
    work.report(0.0, "Reading histories")
    outcome = forecast_channels(
        organization=work.organization,
        own=work.input["own"],
        at=at,
        writing=work.writing,
        progress=work.report,
    )
    with transaction.atomic():
        _tell_whole(work)
    return {"forecasts": outcome.forecasts, "left_out": {str(pk): why for pk, why in outcome.left_out.items()}}


def conclude_forecasts(job: Job) -> Result:
    """Return how many channels have a forecast, and why others have none.

    Raises:
        JobError: where none of several has one.
    """
    made = 0
    left_out: dict[str, str] = {}
    prices: Result = {}
    lost: list[Job] = []
    for part in Job.objects.filter(parent=job).order_by("id"):
        made += part.result.get("forecasts", 0)
        left_out |= part.result.get("left_out", {})
        if "prices" in part.result:
            prices = {"prices": part.result["prices"], "prices_left_out": part.result["prices_left_out"]}
        if part.status == Job.Status.FAILED:
            lost.append(part)
    for part in lost:
        if part.input.get("prices"):
            prices = {"prices": 0, "prices_left_out": {"all": part.error}}
        own = ChannelForecast.objects.filter(pk__in=part.input["own"])
        # What the attempts stored before they were given up stays, and counts.
        stored = set(own.filter(channel__forecasts__issued_at=part.input["at"]).values_list("channel", flat=True))
        made += len(stored)
        left_out |= {str(pk): part.error for pk in own.values_list("channel", flat=True) if pk not in stored}
    if left_out and not made:
        raise JobError(f"None of {len(left_out)} channels could be forecast. The first one: {_first(left_out)}")
    told = dict(list(left_out.items())[:MOST_TOLD])
    return {"forecasts": made, "left_out": len(left_out), "reasons": told, **prices}


def hand_out_choices(work: Work) -> Result:
    """Do a job of kind `choose_models`: cut the channels into chunks of one kind of device.

    The first chunk of a kind also trains the model that all channels of the kind share; a choice for some does not.
    """
    channels = work.input.get("channels")
    own = ChannelForecast.objects.filter(organization=work.organization, channel__last_at__isnull=False)
    own = own.filter(enabled=True) if channels is None else own.filter(channel__in=channels)
    by_kind: dict[str, list[int]] = {}
    for pk, kind in own.order_by("pk").values_list("pk", F("channel__asset__kind")):
        by_kind.setdefault(kind or "", []).append(pk)
    parts = [
        {
            "own": ids,
            "train": _sample(all_of_kind) if number == 0 and channels is None else None,
            "at": work.job.created_at.isoformat(),
        }
        for all_of_kind in by_kind.values()
        for number, ids in enumerate(_cut(all_of_kind, CHANNELS_PER_CHOICE))
    ]
    with work.writing():
        work.hand_out(CHOOSE_CHUNK, parts)
    return {}


def choose_chunk(work: Work) -> Result:
    """Do a job of kind `choose_models_chunk`; a second attempt chooses the same."""
    from forecasting.services.model_choice import choose_for

    models = choose_for(
        organization=work.organization,
        own=work.input["own"],
        train=work.input["train"],
        at=datetime.fromisoformat(work.input["at"]),
        writing=work.writing,
        progress=work.report,
    )
    with transaction.atomic():
        _tell_whole(work)
    return {"models": models}


def score(work: Work) -> Result:
    """Do a job of kind `score_forecasts`, and throw away own forecasts that are too old to be asked for."""
    from forecasting.services.retention import delete_old_forecasts
    from forecasting.services.scoring import score_forecasts

    scored = score_forecasts(organization=work.organization, writing=work.writing, progress=work.report)
    return {"scored": scored, "deleted": delete_old_forecasts(organization=work.organization, writing=work.writing)}


def conclude_choices(job: Job) -> Result:
    """Return how many channels have a chosen model, and which models are how often the best."""
    models: dict[str, int] = {}
    for part in Job.objects.filter(parent=job).order_by("id"):
        for name, count in part.result.get("models", {}).items():
            models[name] = models.get(name, 0) + count
    return {"chosen": sum(models.values()), "models": models}


def _sample(ids: Sequence[int]) -> list[int]:
    """Return at most a chunk of ids, spread over all of them."""
    every = max(len(ids) // CHANNELS_PER_CHOICE, 1)
    return list(ids[::every])[:CHANNELS_PER_CHOICE]


def _tell_whole(work: Work) -> None:
    parts = Job.objects.filter(parent=work.job.parent_id)
    ended = parts.filter(status__in=Job.TERMINAL).count() + 1
    count = parts.count()
    work.tell_whole(ended / max(count, 1), f"{ended} of {count} chunks")


def _cut(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    yield from (list(ids[begin : begin + size]) for begin in range(0, len(ids), size))


def _first(left_out: dict[str, Any]) -> str:
    return str(next(iter(left_out.values())))
