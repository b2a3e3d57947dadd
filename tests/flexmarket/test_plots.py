"""The figures of flexibility offers."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from flexmarket.plots import figures, plot_aggregated_power, plot_aggregated_price, plot_flexibility
from optimization.engine.horizon import Horizon
from optimization.plots import render
from tests.flexmarket.engine.sites import horizon
from tests.flexmarket.engine.tables import small_table

BERLIN = ZoneInfo("Europe/Berlin")
TABLE = small_table(
    4,
    scheduled_power_kw=[2.0, 2.0, 0.0, 0.0],
    positive_power_kw=[2.0, 2.0, 0.0, 0.0],
    positive_energy_kwh=[4.0, 2.0, 0.0, 0.0],
    negative_power_kw=[0.0, 0.0, 1.0, 1.0],
    negative_energy_kwh=[0.0, 0.0, 1.5, 1.0],
)
SECOND = small_table(4, device="second")


def tick_labels(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[-1].get_xticklabels()]


def test_the_fan_follows_the_schedule_while_an_offer_is_called() -> None:
    energy = plot_flexibility(TABLE, horizon(4), BERLIN, "Battery").axes[0]
    negative, positive = (item for item in energy.collections if isinstance(item, LineCollection))
    first, second = (segment[:, 1].tolist() for segment in positive.get_segments())
    assert first == [0.0, 0.0, 0.0]
    assert second == [2.0, 2.0]
    assert [segment[:, 1].tolist() for segment in negative.get_segments()] == [[4.0, 5.0, 5.5], [4.0, 5.0]]
    assert energy.get_title() == ""


def test_axes_name_quantities_units_and_local_time() -> None:
    figure = plot_flexibility(TABLE, horizon(4), BERLIN, "Battery")
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert [unit in label for unit, label in zip(("kWh", "kW", "EUR/kWh"), labels, strict=True)] == [True] * 3
    assert figure.axes[-1].get_xlabel() == "12.01.2026, local time (Europe/Berlin)"
    assert tick_labels(figure) == ["01:00", "02:00", "03:00", "04:00", "05:00"]
    assert figure.get_suptitle() == "Battery"


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_ticks_are_round_local_times_on_days_of_clock_change(day: date, count: int) -> None:
    span = Horizon.market_day(day, BERLIN)
    labels = tick_labels(plot_aggregated_power([small_table(count)], span, BERLIN, "Power"))
    assert labels == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "00:00"]


def test_a_week_has_few_ticks_with_dates() -> None:
    labels = tick_labels(plot_aggregated_power([small_table(240)], horizon(240), BERLIN, "Power"))
    assert 4 <= len(labels) <= 10
    assert labels[0] == "13.01.\n00:00"


def test_aggregated_power_is_stacked_by_device() -> None:
    axes = plot_aggregated_power([TABLE, SECOND], horizon(4), BERLIN, "Power").axes[0]
    tops = [bar.get_y() + bar.get_height() for container in axes.containers for bar in container.patches]
    assert max(tops) == pytest.approx(3.5)
    assert min(tops) == pytest.approx(-4 / 3)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["bat", "second"]


def test_aggregated_price_breaks_where_nothing_is_offered() -> None:
    positive = plot_aggregated_price([TABLE, SECOND], horizon(4), BERLIN, "Price").axes[0]
    values = [patch.get_data().values for patch in positive.patches]
    assert np.isnan(values[0]).tolist() == [False, False, True, True]
    assert len(values) == 3


def test_figures_leave_out_devices_without_offers_and_have_safe_names() -> None:
    idle = small_table(4, positive_energy_kwh=np.zeros(4), negative_energy_kwh=np.zeros(4))
    made = figures({"bat/1": TABLE, "idle": idle}, horizon(4), BERLIN)
    assert list(made) == ["flexibility_bat_1", "aggregated_power", "aggregated_price"]
    assert figures({"idle": idle}, horizon(4), BERLIN) == {}
    assert render(made["flexibility_bat_1"], "png").startswith(b"\x89PNG")
    assert b"<svg" in render(made["aggregated_price"], "svg")
