"""Plan a named scenario or a file from the command line."""

from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from flexmarket.engine.exporters import EXPORTERS
from flexmarket.engine.methods import DEFAULT_METHOD, METHODS
from flexmarket.management.run_report import show
from flexmarket.scenario_run import PLOT_FORMATS, PlanRejectedError, RunRequest, is_file_name, run_scenario
from optimization.engine import SOLVERS
from optimization.scenarios import FORMATS, SCENARIOS, InputError, format_of, read_file, template
from optimization.scenarios.result_folder import write_new_file
from optimization.scenarios.series import ROW_MINUTES

USER_ERROR = 2
REJECTED = 1
INTERRUPTED = 130
WIDTH_WITHOUT_TERMINAL = 120
FIRST_YEAR, LAST_YEAR = 1970, 2100


class Stopped(CommandError):  # noqa: N818 - Django prints the name of the class before the message
    """The run cannot go on."""


class Command(BaseCommand):
    """Solve a day of one site, make its flexibility offers, and write everything to a folder."""

    help = "Plan a day of a named scenario or of an OpenTUMFlex file: schedule, flexibility offers, plots."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser; a wrong option then gives one line, without the usage."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options; their values are checked later, so that every error reads the same."""
        add = parser.add_argument
        add("source", nargs="?", help=f"a scenario ({', '.join(SCENARIOS)}) or a file ending in .csv or .xlsx")
        add("--input", help="file whose series replace those of the scenario")
        add("--solver", default="milp", help=f"{', '.join(SOLVERS)} (default: milp)")
        add("--gap", default="1e-4", help="relative gap that is good enough (default: 1e-4)")
        add("--time-limit", default="60", help="seconds for the solver (default: 60)")
        add("--date", help="local day to plan, YYYY-MM-DD (default: tomorrow)")
        add("--market", action="append", default=[], help=f"write offers for {', '.join(EXPORTERS)}; may be repeated")
        add("--method", default=DEFAULT_METHOD, help=f"of the offers: {', '.join(METHODS)} (default: {DEFAULT_METHOD})")
        add("--out", help="folder for the results (default: out/<scenario>)")
        add("--plots", action="store_true", help="draw the plots")
        add("--plot-format", help=f"{', '.join(PLOT_FORMATS)} (default: png); implies --plots")
        add("--step", default="15", help="length of a step in minutes (default: 15)")
        add("--zone", default="Europe/Berlin", help="time zone of the site (default: Europe/Berlin)")
        add("--convert-to", help=f"only convert the file, to {' or '.join(FORMATS)}")
        add("--template", help="only write an example file, ending in .csv or .xlsx")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the options ask for; every error a person can make ends with one line and exit status 2."""
        try:
            if options["template"] is not None:
                self._write_template(Path(options["template"]))
            elif options["convert_to"] is not None:
                self._convert(options)
            else:
                self._run(options)
        except InputError as error:
            raise Stopped(str(error), returncode=USER_ERROR) from error
        except PlanRejectedError as error:
            raise Stopped(f"{error}; nothing written", returncode=REJECTED) from error
        except KeyboardInterrupt as error:
            raise Stopped("interrupted, nothing written", returncode=INTERRUPTED) from error

    def _run(self, options: dict[str, Any]) -> None:
        request = _request(options)
        console = Console()
        if not console.is_terminal:
            console.width = WIDTH_WITHOUT_TERMINAL
        with console.status("starting") as status:
            result = run_scenario(request, lambda phase, gap: status.update(_progress(phase, gap)))
        show(console, result)

    def _write_template(self, path: Path) -> None:
        format_of(path)
        write_new_file(path, template("xlsx" if path.suffix.lower() == ".xlsx" else "csv"))
        self.stdout.write(f"Written: {path}")

    def _convert(self, options: dict[str, Any]) -> None:
        suffix, source = options["convert_to"], _source(options)
        if suffix not in FORMATS:
            raise InputError("--convert-to", f"no format {suffix!r}", ", ".join(FORMATS))
        if not is_file_name(source):
            raise InputError(source, "no file to convert", "a file ending in .csv or .xlsx")
        path = Path(source)
        content = read_file(path)
        target = Path(options["out"] or path.parent) / f"{path.stem}.{suffix}"
        write_new_file(target, FORMATS[suffix].write(content))
        self.stdout.write(f"Written: {target}")


def _request(options: dict[str, Any]) -> RunRequest:
    source = _source(options)
    zone = _zone(options["zone"])
    name = Path(source).stem if is_file_name(source) else source
    return RunRequest(
        source=source,
        input=Path(options["input"]) if options["input"] else None,
        day=_day(options["date"], zone),
        zone=zone,
        step=_step(options["step"]),
        solver=options["solver"],
        gap=_number("--gap", options["gap"]),
        time_limit=_number("--time-limit", options["time_limit"]),
        markets=tuple(dict.fromkeys(options["market"])),
        method=options["method"],
        out=Path(options["out"] or Path("out") / name),
        plot_format=options["plot_format"] or ("png" if options["plots"] else None),
    )


def _source(options: dict[str, Any]) -> str:
    if not options["source"]:
        raise InputError("NAME", "missing", f"{', '.join(SCENARIOS)}, or a file ending in .csv or .xlsx")
    return str(options["source"])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("--zone", f"no time zone {name!r}", "an IANA name such as Europe/Berlin") from error


def _day(text: str | None, zone: ZoneInfo) -> date:
    if text is None:
        return datetime.now(zone).date() + timedelta(days=1)
    allowed = f"YYYY-MM-DD in the years {FIRST_YEAR} to {LAST_YEAR}"
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError("--date", f"{text!r} is not a date", allowed) from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InputError("--date", f"{text!r} is out of range", allowed)
    return day


def _step(text: object) -> timedelta:
    for minutes in ROW_MINUTES:
        if str(text) == str(minutes):
            return timedelta(minutes=minutes)
    allowed = f"minutes that divide the hour: {', '.join(map(str, ROW_MINUTES))}"
    raise InputError("--step", f"{text!r} minutes", allowed)


def _number(option: str, text: object) -> float:
    try:
        return float(str(text))
    except ValueError as error:
        raise InputError(option, f"{text!r} is not a number", "a number such as 0.001") from error


def _progress(phase: str, gap: float | None) -> str:
    return phase if gap is None else f"{phase}, gap {gap:.2%}"
