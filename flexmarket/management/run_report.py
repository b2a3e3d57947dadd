"""What `run_scenario` shows in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from flexmarket.scenario_run import RunResult
from optimization.engine.schedule import SITE

MOST_WISHES_SHOWN = 5
CT_PER_EUR = 100


def show(console: Console, result: RunResult) -> None:
    """Print costs, energies, offers, missed wishes and the paths written."""
    summary = result.summary
    console.print(Text(f"{summary['title']}, {summary['date']} ({summary['zone']})", style="bold"))
    console.print(_costs(summary), _devices(summary), _offers(summary))
    console.print(_solver_line(summary))
    for line in _wishes(summary):
        console.print(line)
    console.print(Text("Written:"))
    for path in result.paths:
        console.print(Text(f"  {path}"), soft_wrap=True)


def _costs(summary: Mapping[str, Any]) -> RenderableType:
    table = Table(title="Cost of the day", title_justify="left")
    table.add_column("")
    table.add_column("EUR", justify="right")
    for cause, amount in summary["cost_by_cause_eur"].items():
        if amount:
            table.add_row(f"  {cause}", f"{amount:,.2f}")
    table.add_row("Total", f"{summary['total_cost_eur']:,.2f}", style="bold")
    table.add_row("Without control", f"{summary['baseline_cost_eur']:,.2f}")
    table.add_row("Saving", f"{summary['saving_eur']:,.2f}")
    table.add_row("CO2, kg", f"{summary['co2_kg']:,.1f}")
    return table


def _devices(summary: Mapping[str, Any]) -> RenderableType:
    table = Table(title="Energy in kWh", title_justify="left")
    table.add_column("Device")
    columns = ("electricity_taken_kwh", "electricity_given_kwh", "heat_taken_kwh", "heat_given_kwh")
    for column in columns:
        table.add_column(column.removesuffix("_kwh").replace("_", " "), justify="right")
    for name, energies in summary["devices"].items():
        cells = [f"{energies[column]:,.2f}" if column in energies else "" for column in columns]
        table.add_row("grid" if name == SITE else name, *cells)
    return table


def _offers(summary: Mapping[str, Any]) -> RenderableType:
    if not summary["offers"]:
        return Text("No device of this site offers flexibility.")
    table = Table(title="Flexibility offers (positive: more power to the grid)", title_justify="left")
    table.add_column("Device")
    for direction in ("positive", "negative"):
        table.add_column(f"{direction}: steps", justify="right")
        table.add_column("at most kW", justify="right")
        table.add_column("mean ct/kWh", justify="right")
    for name, offers in summary["offers"].items():
        cells: list[str] = []
        for direction in ("positive", "negative"):
            offer = offers[direction]
            price = offer["mean_price_eur_per_kwh"]
            cells += [
                str(offer["steps"]),
                f"{offer['max_power_kw']:,.2f}",
                "" if price is None else f"{100 * price:,.2f}",
            ]
        table.add_row(name, *cells)
    return table


def _solver_line(summary: Mapping[str, Any]) -> Text:
    gap = "unknown" if summary["gap"] is None else f"{summary['gap']:.4%}"
    bound = "unknown" if summary["bound_eur"] is None else f"{summary['bound_eur']:,.4f} EUR"
    seconds = summary["seconds"]["total"]
    line = f"Solver {summary['solver']}: {summary['status']}, gap {gap}, bound {bound}, {seconds:.1f} s"
    if summary["status"] == "time_limit":
        told = f"The time limit of {summary['time_limit_seconds']:g} s ended the search; this is the best plan so far."
        return Text(f"{told} {line}", style="yellow")
    return Text(line)


def _wishes(summary: Mapping[str, Any]) -> list[Text]:
    unmet = summary["unmet"]
    lines = [Text(_wish_line(wish), style="yellow") for wish in unmet[:MOST_WISHES_SHOWN]]
    if len(unmet) > MOST_WISHES_SHOWN:
        lines.append(Text(f"... and {len(unmet) - MOST_WISHES_SHOWN} more, see summary.json", style="yellow"))
    if summary["baseline_unmet"]:
        count = len(summary["baseline_unmet"])
        held = "1 wish is not held" if count == 1 else f"{count} wishes are not held"
        lines.append(Text(f"Without control {held}, so the two costs do not buy the same."))
    return lines


def _wish_line(wish: Mapping[str, Any]) -> str:
    missed = f"missed by {wish['amount']:.3f} {wish['unit']}"
    return f"Not held: {wish['device']}, {wish['wish']} {missed} at {wish['start']}"
