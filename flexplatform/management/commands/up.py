"""Everything a bare machine needs to show the portal: database, demo, broker, worker, server."""

import fcntl
import json
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.panel import Panel

from flexplatform import demo
from flexplatform.celery import app as celery
from flexplatform.embedded.mqtt import Mosquitto, Nats, running_broker
from flexplatform.embedded.process import LOOPBACK, ChildProcess
from flexplatform.embedded.valkey import running_valkey
from flexplatform.env import PRODUCTION, VAR_DIR
from flexplatform.registry import DemoProblem
from flexplatform.server import (
    PortalServer,
    job_clock,
    job_worker,
    mqtt_bridge,
    simulated_devices,
    simulated_market,
)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_STARTS = 10.0


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or asked the process to end; no error handler on the way may swallow it."""


class Command(BaseCommand):
    """Prepares the database and the demo, then serves the portal until it is stopped."""

    help = "Prepare the database and the demo organization, and serve the portal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--demo", metavar="NAMES", default="", help="demo sites to make, by comma (default: all named scenarios)"
        )
        parser.add_argument("--no-demo", action="store_true", help="serve without making or planning demo sites")
        parser.add_argument(
            "--no-simulation", action="store_true", help="serve without simulated devices and buyer of the demo"
        )
        parser.add_argument(
            "--no-worker", action="store_true", help="serve without broker and worker: jobs wait until there is one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; every process that was started ends with this one."""
        console = Console(stderr=False, highlight=False)
        host, port = options["host"], options["port"]
        _require_free(host, port)
        try:
            with _stopping_on_signals(), _alone(), ExitStack() as running:
                call_command("migrate", verbosity=0, interactive=False)
                _collect_static(console)
                environment = {} if options["no_worker"] else _broker(running)
                with_demo = not options["no_demo"] and not PRODUCTION
                helpers = [] if options["no_worker"] else [job_worker(environment), job_clock(environment)]
                if not options["no_worker"]:
                    environment, broker = _mqtt_broker(running, environment)
                    helpers.append(mqtt_bridge(environment, broker.access if broker else None))
                    if with_demo and broker and not options["no_simulation"]:
                        slugs = [each.slug for each in demo.ORGANIZATIONS]
                        helpers.append(simulated_devices(environment, slugs, broker.devices_user))
                        helpers.append(simulated_market(environment, slugs))
                server = PortalServer(host, port, environment)
                running.enter_context(server).start()
                if with_demo:
                    self._demo(console, tuple(name.strip() for name in options["demo"].split(",") if name.strip()))
                server.wait_until_it_answers()
                # Nobody waits for these to see the first page, so they do not take its processor.
                for helper in helpers:
                    running.enter_context(helper).start()
                running.callback(_ask_to_end, [*helpers, server])
                console.print(_welcome(server.address, with_demo))
                if with_demo and host != LOOPBACK:
                    console.print("[yellow]The demo login is public knowledge: do not serve it to others.[/]")
                code = _wait(console, server, helpers)
            raise CommandError(f"The server ended by itself with exit code {code}.")
        except StopRequested:
            console.print("Stopped.")
            sys.stdout.flush()

    def _demo(self, console: Console, only: tuple[str, ...]) -> None:
        with console.status("Making the demo") as status:

            def progress(step: str, text: str) -> None:
                line = f"{step}: {text}" if text else step
                status.update(line)
                if text and not console.is_terminal:
                    console.print(line)

            problems = demo.make_all(day=demo.coming_day(), only=only, progress=progress)
        _report(console, problems)


def _collect_static(console: Console) -> None:
    """Collect the static files unless those of the last time are still the same."""
    files = [Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])]
    known = json.dumps(sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))
    record = VAR_DIR / "run" / "static.json"
    if record.exists() and record.read_text() == known:
        return
    with console.status("Collecting static files"):
        call_command("collectstatic", verbosity=0, interactive=False)
    record.write_text(known)


def _report(console: Console, problems: list[DemoProblem]) -> None:
    for problem in problems:
        console.print(f"[yellow]Demo, {problem.what}:[/] {problem.why}", markup=True)


def _welcome(address: str, with_demo: bool) -> Panel:
    lines = [f"Portal    [bold]{address}[/]"]
    if with_demo:
        lines += [f"Sign in   [bold]{demo.EMAIL}[/]", f"Password  [bold]{demo.PASSWORD}[/] (unless you changed it)"]
    lines.append("Stop      Ctrl-C")
    return Panel.fit("\n".join(lines), title="FlexPlatform")


def _broker(running: ExitStack) -> dict[str, str]:
    """Return what tells the children their broker: the one of the environment, or a Valkey that is started now."""
    if settings.CELERY_BROKER_URL:
        return {}
    url = running.enter_context(running_valkey(VAR_DIR / "valkey")).url
    # This process asks for the demo's plans itself, long after its settings were read.
    settings.CELERY_BROKER_URL = url
    celery.conf.update(broker_url=url)
    return {"CELERY_BROKER_URL": url}


def _mqtt_broker(running: ExitStack, environment: dict[str, str]) -> tuple[dict[str, str], Mosquitto | Nats | None]:
    """Return what tells the children their MQTT broker: the one of the environment, or one that is started now."""
    if settings.MQTT_URL:
        return environment, None
    broker = running.enter_context(running_broker(VAR_DIR / "mqtt"))
    return {**environment, "MQTT_URL": broker.url}, broker


def _ask_to_end(children: list[ChildProcess]) -> None:
    """Tell all at once, so that each ends while the others do."""
    for child in children:
        child.ask_to_end()


def _wait(console: Console, server: PortalServer, helpers: list[ChildProcess]) -> int:
    """Wait until the server ends by itself and return its exit code; a helper that ends is started again."""
    started = dict.fromkeys((helper.name for helper in helpers), time.monotonic())
    while (code := server.ended()) is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        for helper in helpers:
            now = time.monotonic()
            if helper.ended() is not None and now - started[helper.name] >= SECONDS_BETWEEN_STARTS:
                console.print(f"[yellow]{helper.name} ended and is started again; see {helper.log}.[/]")
                helper.stop()
                helper.start()
                started[helper.name] = now
    return code


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the data folder, so that no second `up` takes the processes of the first for left-overs."""
    path = VAR_DIR / "run" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError(
                f"FlexPlatform is up already with the data in {VAR_DIR}. Stop it, or set VAR_DIR to another folder."
            ) from error
        yield


def _require_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before any work is done."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"Cannot listen on {host} port {port}: {reason}. Choose another with --port.") from error


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """Turn the first stop signal into StopRequested and ignore further ones, also where the shell had them ignored."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
