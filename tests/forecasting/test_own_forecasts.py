"""The platform's own forecasts, from readings to stored runs: nightly, for organizations that share nothing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scopes_disabled

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting import tasks
from forecasting.engine.models import MODELS
from forecasting.engine.protocol import Batch, ChannelFacts
from forecasting.model_store import ModelStore
from forecasting.models import ChannelForecast, ForecastRun, ForecastValues
from forecasting.services import (
    OWN,
    ensure_own_forecasts,
    receive_forecast,
    request_deviating,
    request_forecasts,
    request_model_choice,
    update_own_forecast,
)
from forecasting.services.forecasting import forecast_channels
from forecasting.services.scoring import score_forecasts
from telemetry.services import Reference, ensure_channels
from tests.conftest import People
from tests.factories import ElectricLoadFactory, PhotovoltaicFactory, SiteFactory
from tests.forecasting.makers import delivery
from tests.forecasting.own import DAY, NOW, ORIGIN, QUARTER, clock, demand, home, in_a, measure, nightly, work_all

__all__ = ["clock", "in_a"]

# Until the end of the 22nd in Berlin.
COUNT = 4 * 45 + 2


@pytest.mark.usefixtures("in_a")
def test_a_channel_is_forecast_until_the_end_of_its_next_day(people: People) -> None:
    _, channel = home(people.a, 30)
    job = nightly(people.a)
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"forecasts": 1, "left_out": 0, "reasons": {}})
    run = ForecastRun.objects.select_related("series").get()
    assert (run.channel, run.source, run.model, run.version) == (channel, OWN, "ridge", MODELS["ridge"].version)
    assert (run.issued_at, run.known_until, run.start, run.count) == (NOW, ORIGIN, ORIGIN, COUNT)
    assert run.scores is None
    expected = demand(32)[-192:][:COUNT]
    assert np.abs(run.series.mean - expected).mean() < 0.15
    bands = np.stack(list(run.series.by_level.values()))
    assert bands.shape == (9, COUNT)
    assert (np.diff(bands, axis=0) >= 0).all()
    assert (bands >= 0).all()


def test_the_clock_forecasts_each_organization_by_itself(people: People) -> None:
    for organization, level in ((people.a, 1.0), (people.b, 100.0)):
        with organization_scope(organization), acting("tests", Door.COMMAND):
            home(organization, 10, level=level)
    tasks.ask_for_forecasts()
    tasks.ask_for_forecasts()
    work_all()
    with scopes_disabled():
        runs = list(ForecastRun.objects.order_by("organization").select_related("channel"))
        assert [run.organization for run in runs] == [people.a, people.b]
        assert all(run.channel.organization_id == run.organization_id for run in runs)
        assert Job.objects.filter(kind="forecast_organization").count() == 2
        levels = [float(ForecastValues.objects.get(run=run).mean.mean()) for run in runs]
    assert levels[0] == pytest.approx(2, abs=0.3)
    assert levels[1] == pytest.approx(200, abs=30)


@pytest.mark.usefixtures("in_a")
def test_bad_readings_are_flagged_and_repaired(people: People) -> None:
    _, channel = home(people.a)
    values = demand(30)
    values[1000] = 500.0
    values[2000:2004] = np.nan
    measure(channel, values)
    nightly(people.a)
    own = ChannelForecast.objects.get(channel=channel)
    assert (own.quality["spike"], own.quality["gap"], own.quality["filled"]) == (1, 4, 5)
    assert own.quality["usable_percent"] == 100
    assert ForecastRun.objects.get().series.quantiles.max() < 10


@pytest.mark.usefixtures("in_a")
def test_a_dead_channel_is_left_out_with_its_reason(people: People) -> None:
    _, alive = home(people.a, 10)
    _, dead = home(people.a)
    values = demand(20)
    values[-5 * 96 :] = np.nan
    measure(dead, values)
    job = nightly(people.a)
    assert job.result["forecasts"] == 1
    assert job.result["reasons"] == {
        str(dead.pk): "It has told nothing new since 2026-11-16 01:30 UTC, so it is not forecast until it does."
    }
    assert ForecastRun.objects.get().channel == alive
    assert ChannelForecast.objects.get(channel=dead).problem == job.result["reasons"][str(dead.pk)]


@pytest.mark.usefixtures("in_a")
def test_a_new_site_is_forecast_from_its_parameters(people: People) -> None:
    site: Site = SiteFactory(organization=people.a, latitude=48.1, longitude=11.6)
    ElectricLoadFactory(site=site, annual_demand_kwh=3500)
    PhotovoltaicFactory(site=site, capacity_kw=10)
    job = nightly(people.a)
    assert job.result["forecasts"] == 2
    found = {run.channel.quantity: run for run in ForecastRun.objects.select_related("channel", "series")}
    assert {name: run.model for name, run in found.items()} == {
        "demand_kw": "standard_profile",
        "available_power_kw": "physical_pv",
    }
    power = found["available_power_kw"].series.mean
    night, noon = 2, 4 * 10
    assert (power[night], power[noon] < -0.1, power.max()) == (0, True, 0)
    assert found["demand_kw"].series.mean.sum() / 4 == pytest.approx(3500 / 365 * COUNT / 96, rel=0.4)


@pytest.mark.usefixtures("in_a")
def test_a_channel_that_nothing_is_known_of_says_what_is_missing(people: People) -> None:
    home(people.a)
    job = nightly(people.a)
    assert job.status == Job.Status.FAILED
    assert "None of 1 channels" in job.error
    assert "annual demand" in job.error


@pytest.mark.usefixtures("in_a")
def test_as_known_at_an_earlier_time(people: People) -> None:
    _, channel = home(people.a, 20)
    then = ORIGIN - 3 * DAY
    measure(channel, np.full(2 * 96, 50.0))
    job = request_forecasts(organization=people.a, at=then)
    work_all()
    job.refresh_from_db()
    run = ForecastRun.objects.get()
    assert (run.issued_at, run.known_until, run.start, run.received_at) == (then, then, then, NOW)
    assert run.series.mean.max() < 10
    with pytest.raises(ValidationError, match="not in the future"):
        request_forecasts(organization=people.a, at=NOW + DAY)


@pytest.mark.usefixtures("in_a")
def test_a_job_that_is_done_again_makes_nothing_twice(people: People) -> None:
    home(people.a, 10)
    home(people.a, 10)
    ensure_own_forecasts(organization=people.a)
    own = list(ChannelForecast.objects.values_list("pk", flat=True))
    first = forecast_channels(organization=people.a, own=own[:1], at=NOW)
    again = forecast_channels(organization=people.a, own=own, at=NOW)
    assert (first.forecasts, again.forecasts) == (1, 2)
    assert ForecastRun.objects.count() == ForecastValues.objects.count() == 2
    part = Job.objects.create(
        organization=people.a, kind="forecast_chunk", title="x", input={"own": own, "at": NOW.isoformat()}
    )
    assert execute(part.pk, worker="tests", beat_every=0) == Job.Status.SUCCEEDED
    assert ForecastRun.objects.count() == 2


@pytest.mark.usefixtures("in_a")
def test_a_model_that_fails_for_one_channel_fails_no_other(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    _, good = home(people.a, 10)
    _, bad = home(people.a, 10)
    climatology = type(MODELS["climatology"])
    real = climatology.predict

    def predict(self: Any, batch: Any) -> Any:
        if any(channel.name == str(bad.pk) for channel in batch.channels):
            raise ZeroDivisionError
        return real(self, batch)

    monkeypatch.setattr(climatology, "predict", predict)
    nightly(people.a)
    models = dict(ForecastRun.objects.values_list("channel", "model"))
    # The next model of its chain steps in.
    assert models == {good.pk: "climatology", bad.pk: "yesterday"}


@pytest.mark.usefixtures("in_a")
def test_a_chunk_that_is_lost_fails_alone(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    home(people.a, 2)
    _, bad = home(people.a, 2)
    monkeypatch.setattr("forecasting.forecast_jobs.CHANNELS_PER_CHUNK", 1)
    job = request_forecasts(organization=people.a)
    execute(job.pk, worker="tests", beat_every=0)
    lost = Job.objects.filter(parent=job).order_by("id")[1]
    Job.objects.filter(pk=lost.pk).update(status=Job.Status.FAILED, error="The worker was lost.", finished_at=NOW)
    work_all()
    job.refresh_from_db()
    assert (job.status, job.result["forecasts"]) == (Job.Status.SUCCEEDED, 1)
    assert job.result["reasons"] == {str(bad.pk): "The worker was lost."}


@pytest.mark.parametrize("sites", [1, 3])
@pytest.mark.usefixtures("in_a")
def test_the_number_of_queries_does_not_depend_on_the_number_of_channels(people: People, sites: int) -> None:
    for _ in range(sites):
        home(people.a, 10)
    ensure_own_forecasts(organization=people.a)
    own = list(ChannelForecast.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        forecast_channels(organization=people.a, own=own, at=NOW)
    assert len(queries) == 25, [query["sql"][:100] for query in queries]


@pytest.mark.usefixtures("in_a")
def test_what_others_forecast_is_left_to_them_until_somebody_says_otherwise(people: People) -> None:
    site, channel = home(people.a, 10)
    receive_forecast(organization=people.a, delivery=delivery(site, channel.asset_id))
    assert nightly(people.a).result["forecasts"] == 0
    own = ChannelForecast.objects.get()
    assert not own.enabled
    update_own_forecast(own=own, values={"enabled": True})
    job = request_forecasts(organization=people.a, channels=[channel.pk])
    work_all()
    job.refresh_from_db()
    assert job.result["forecasts"] == 1


@pytest.mark.usefixtures("in_a")
def test_a_forced_model_goes_first(people: People) -> None:
    _, channel = home(people.a, 30)
    ensure_own_forecasts(organization=people.a)
    own = ChannelForecast.objects.get(channel=channel)
    update_own_forecast(own=own, values={"forced_model": "last_week"})
    nightly(people.a)
    assert ForecastRun.objects.get().model == "last_week"
    with pytest.raises(ValidationError, match=r"allowed for load[.]demand_kw: yesterday"):
        update_own_forecast(own=own, values={"forced_model": "physical_pv"})


@pytest.mark.usefixtures("in_a")
def test_readings_of_power_are_forecast_where_they_are_what_is_measured(people: People) -> None:
    site: Site = SiteFactory(organization=people.a)
    asset = ElectricLoadFactory(site=site)
    (channel,) = ensure_channels(organization=people.a, references=[Reference(asset=asset.pk, quantity="power_kw")])
    measure(channel, demand(8))
    nightly(people.a)
    assert ForecastRun.objects.get().channel == channel


def test_the_command_asks_once_by_key(people: People) -> None:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        _, channel = home(people.a, 8)
        ensure_own_forecasts(organization=people.a)
    for _ in range(2):
        call_command("forecast", organization=people.a.slug, channels=[channel.pk], key="night")
    with organization_scope(people.a):
        assert Job.objects.get().input == {"channels": [channel.pk]}
    with pytest.raises(CommandError, match="ids of channels"):
        call_command("forecast", organization=people.b.slug, channels=[channel.pk])
    with pytest.raises(CommandError, match="with its zone"):
        call_command("forecast", organization=people.a.slug, at=datetime(2026, 11, 20))


@pytest.mark.usefixtures("in_a")
def test_the_best_model_of_a_back_test_is_chosen(people: People) -> None:
    _, channel = home(people.a, 40)
    ensure_own_forecasts(organization=people.a)
    request_model_choice(organization=people.a)
    work_all()
    own = ChannelForecast.objects.get(channel=channel)
    assert {"climatology", "yesterday"} <= own.scores_by_model.keys()
    losses = {name: scores["pinball_percent"] for name, scores in own.scores_by_model.items()}
    assert losses[own.chosen_model] <= 1.03 * min(losses.values())
    assert own.scores_by_model["yesterday"]["skill_percent"] == 0
    nightly(people.a)
    assert ForecastRun.objects.get().model == own.chosen_model


@pytest.mark.usefixtures("in_a")
def test_a_forecast_is_scored_when_its_time_is_over(people: People, clock: time_machine.Traveller) -> None:
    _, channel = home(people.a, 20)
    nightly(people.a)
    assert score_forecasts(organization=people.a) == 0
    measure(channel, demand(2)[:COUNT] * 3, ORIGIN + COUNT * QUARTER)
    clock.move_to(NOW + 3 * DAY)
    assert score_forecasts(organization=people.a) == 1
    scores = ForecastRun.objects.get().scores
    assert scores is not None
    assert scores["bias_percent"] == pytest.approx(-67, abs=5)
    assert scores["coverage_percent"] < 5
    assert {"pinball_percent", "mae", "skill_percent"} <= scores.keys()
    # One bad forecast is no drift, three are.
    assert not ChannelForecast.objects.get().drifted
    run = ForecastRun.objects.get()
    for number in (1, 2):
        run.pk, run.issued_at = None, NOW + number * QUARTER
        run.save()
    score_forecasts(organization=people.a)
    assert ChannelForecast.objects.get().drifted
    assert score_forecasts(organization=people.a) == 0


@pytest.mark.usefixtures("in_a")
def test_a_channel_that_leaves_its_band_is_forecast_anew_once_an_hour(
    people: People, clock: time_machine.Traveller
) -> None:
    _, away = home(people.a, 10)
    _, calm = home(people.a, 10)
    nightly(people.a)
    clock.move_to(NOW + 2 * timedelta(hours=1))
    later = ORIGIN + 2 * timedelta(hours=1)
    measure(away, np.full(8, 20.0), later)
    measure(calm, demand(1)[:8], later)
    job = request_deviating(organization=people.a)
    assert job is not None
    assert job.input["channels"] == [away.pk]
    assert request_deviating(organization=people.a) is None
    work_all()
    assert ForecastRun.objects.filter(channel=away).count() == 2
    assert ForecastRun.objects.filter(channel=calm).count() == 1


@pytest.mark.parametrize("sites", [1, 3])
@pytest.mark.usefixtures("in_a")
def test_a_look_for_deviations_has_few_queries(people: People, sites: int) -> None:
    for _ in range(sites):
        home(people.a, 8)
    ensure_own_forecasts(organization=people.a)
    with CaptureQueriesContext(connection) as queries:
        assert request_deviating(organization=people.a) is None
    assert len(queries) == 17, [query["sql"][:80] for query in queries]


def test_a_trained_model_is_kept_as_text_for_its_organization_only(tmp_path: Path) -> None:
    history = np.stack([demand(70), demand(70, 2.0)])
    facts = [ChannelFacts(str(number), "load", "Europe/Berlin", "DE") for number in range(2)]
    batch = Batch(facts, ORIGIN, QUARTER, 96, history)
    blend, kept = MODELS["blend"], ModelStore(tmp_path)
    fitted = blend.fit(batch)
    assert kept.save(1, "load", blend, fitted)
    again = kept.load(1, "load", blend)
    assert again is not None
    assert np.allclose(again.predict(batch).quantiles, fitted.predict(batch).quantiles)
    assert (kept.load(2, "load", blend), kept.load(1, "heat", blend)) == (None, None)
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{}")
    assert kept.load(1, "load", blend) is None
