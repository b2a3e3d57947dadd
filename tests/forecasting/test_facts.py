"""From the row of a device to a forecast that needs no history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from assets.models import ElectricLoad, HeatLoad, Photovoltaic
from assets.queries import devices_by_site
from assets.services import create_asset
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.engine.models import MODELS
from forecasting.engine.physical.profiles import PROFILES
from forecasting.engine.protocol import Batch
from forecasting.facts import channel_facts
from telemetry.models import Channel
from telemetry.services import create_channel
from tests.conftest import People
from tests.factories import SiteFactory

NOON = datetime(2026, 6, 21, 10, tzinfo=UTC)
DEVICES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "pv": ("pv", "available_power_kw", {"capacity_kw": 10, "tilt_degrees": 20, "azimuth_degrees": 90}, "physical_pv"),
    "wind": ("wind", "power_kw", {"capacity_kw": 100, "hub_height_m": 60}, "physical_wind"),
    "load": ("electric_load", "demand_kw", {"annual_demand_kwh": 4000, "standard_profile": "g4"}, "standard_profile"),
    "heat": ("heat_load", "demand_kw", {"annual_demand_kwh": 20000, "hot_water_share": 0.3}, "degree_days"),
    "car": (
        "electric_vehicle",
        "power_kw",
        {
            "capacity_kwh": 60,
            "charge_power_kw": 7,
            "stays": [{"arrival": "18:00", "departure": "07:00", "arrival_soc_percent": 40}],
        },
        "ev_stays",
    ),
}


def test_devices_without_history_are_forecast_from_their_columns(people: People) -> None:
    site = SiteFactory(organization=people.a)
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        for name, (kind, quantity, values, _) in DEVICES.items():
            device = create_asset(site=site, kind=kind, values={"name": name, **values})
            create_channel(site=site, asset=device, quantity=quantity)
        rows = {device.pk: device for device in devices_by_site([site])[site.pk]}
        channels = list(Channel.objects.filter(site=site).select_related("site__organization"))
        with CaptureQueriesContext(connection) as made:
            told = {rows[each.asset_id].name: channel_facts(each, rows[each.asset_id]) for each in channels}
        assert len(made) == 0
    for name, (_, _, values, model) in DEVICES.items():
        facts = told[name]
        assert facts is not None
        assert {key: facts.device.get(key) for key in values if key != "stays"} == {
            key: value for key, value in values.items() if key != "stays"
        }
        assert (facts.time_zone, facts.country, facts.latitude) == ("Europe/Berlin", "DE", 48.1)
        batch = Batch([facts], NOON, timedelta(hours=1), 24, np.full((1, 24), np.nan))
        found = MODELS[model].fit(batch).predict(batch)
        assert found.known.all(), name
        assert np.abs(found.mean).max() > 0, name


def test_a_channel_that_no_model_is_for_has_no_facts(people: People) -> None:
    site = SiteFactory(organization=people.a)
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        plant = create_asset(site=site, kind="pv", values={"name": "pv", "capacity_kw": 1})
        channel = create_channel(site=site, asset=plant, quantity="yield_kw_per_kw")
        assert channel_facts(channel, plant) is None


def test_the_profiles_of_the_table_are_those_of_the_engine() -> None:
    assert tuple(ElectricLoad.Profile.values) == PROFILES


@pytest.mark.parametrize(
    ("kind", "column", "value", "told"),
    [
        ("pv", "tilt_degrees", 91, "tilt_degrees must be between 0 and 90."),
        ("pv", "azimuth_degrees", -1, "azimuth_degrees must be between 0 and 360."),
        ("pv", "peak_power_kw", 0, "peak_power_kw must be more than 0."),
        ("wind", "hub_height_m", 1, "hub_height_m must be between 5 and 300."),
        ("wind", "cut_out_m_per_s", 10, "cut_out_m_per_s must be between 20 and 50."),
        ("electric_load", "annual_demand_kwh", -1, "annual_demand_kwh must be between 0"),
        ("electric_load", "standard_profile", "x", "Allowed: h0, g0"),
        ("heat_load", "hot_water_share", 2, "hot_water_share must be between 0 and 1."),
        ("heat_load", "heating_limit_c", 40, "heating_limit_c must be between 0 and 25."),
    ],
)
def test_parameters_that_cannot_be_are_refused(people: People, kind: str, column: str, value: Any, told: str) -> None:
    site = SiteFactory(organization=people.a)
    capacity = {"capacity_kw": 1} if kind in ("pv", "wind") else {}
    with organization_scope(people.a), acting("tests", Door.COMMAND), pytest.raises(ValidationError) as raised:
        create_asset(site=site, kind=kind, values={"name": "x", **capacity, column: value})
    assert told in " ".join(raised.value.message_dict[column])


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Photovoltaic, {"capacity_kw": 1, "tilt_degrees": 91}),
        (ElectricLoad, {"standard_profile": "zz"}),
        (HeatLoad, {"hot_water_share": -0.1}),
    ],
)
def test_the_database_refuses_them_too(people: People, model: Any, values: dict[str, Any]) -> None:
    site = SiteFactory(organization=people.a)
    with organization_scope(people.a), transaction.atomic(), pytest.raises(IntegrityError):
        model(site=site, name="x", **values).save()
