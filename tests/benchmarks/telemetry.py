"""Telemetry on a real mosquitto and PostgreSQL: `uv run python -m tests.benchmarks.telemetry [--rows 20000000]`.

All ratios are of one run on the same machine: through the bridge against the broker and the database alone and against
plainer ways, a full table against an empty one, roll-ups against raw readings. Commits are durable.
"""

import argparse
import json
import os
import platform as machine
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flexplatform.embedded import postgres
from flexplatform.embedded.mqtt import BRIDGE_USER, Mosquitto
from flexplatform.embedded.process import LOOPBACK
from flexplatform.env import BASE_DIR
from telemetry.engine.topics import EVERY_READING

CHANNELS = 1000
BATCH = 2000
MINUTE_US = 60_000_000
MESSAGES = {"bridge": 100_000, "paho_batches": 40_000, "paho_saves": 3_000}
# Raw minute data of a week in quarter-hours, as charts have them.
CHART_DAYS, CHART_POINTS = 7, 672
TIMES = 15
MOST_ON_THE_WAY = 4000
DURABLE = ("max_wal_size=8GB", "max_connections=60", "shared_buffers=1GB", "checkpoint_timeout=30min")


def main() -> None:
    """Measure and show a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000, help="of the full table")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison of ways; 0: none")
    options = parser.parse_args()
    postgres.UNSAFE_BUT_QUICK = ()
    postgres.SETTINGS = (f"listen_addresses={LOOPBACK}", "unix_socket_directories=", *DURABLE)
    with postgres.running_postgres() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"DATABASE_URL": server.url(), "DATABASE_POOL_SIZE": "0", "VAR_DIR": name}
        os.environ["DJANGO_SETTINGS_MODULE"] = "flexplatform.settings"
        import django

        django.setup()
        with Mosquitto(folder / "broker") as broker:
            broker.start()
            os.environ["MQTT_URL"] = broker.url
            world = World(broker)
            show({"machine": f"{machine.platform()}, {os.cpu_count()} cores", "load before": os.getloadavg()})
            if options.rounds:
                show(ways(world, options.rounds))
            show(posts(world))
            show(growth(world, options.rows))
            show(queries(world))
            show({"load after": os.getloadavg()})


def show(found: dict[str, Any]) -> None:
    """Print a part of the table."""
    for name, value in found.items():
        sys.stdout.write(f"{name:>44}  {value:.4g}\n" if isinstance(value, float) else f"{name:>44}  {value}\n")
    sys.stdout.flush()


class World:
    """A site with as many batteries as make up the channels, its credential, and a publisher in their name."""

    def __init__(self, broker: Mosquitto) -> None:
        from django.core.management import call_command
        from django_scopes import scopes_disabled

        from flexplatform.accounts.audit import acting
        from flexplatform.accounts.models import Door, Organization
        from telemetry.services import Reference, create_credential, ensure_channels
        from telemetry.services.access import AccessFiles
        from tests.factories import BatteryFactory, SiteFactory

        call_command("migrate", verbosity=0, interactive=False)
        self.broker = broker
        self.organization = Organization.objects.create(name="a", slug="a")
        with scopes_disabled(), acting("benchmark", Door.COMMAND):
            self.site = SiteFactory(organization=self.organization, slug="home")
            names = [f"b{index}" for index in range(CHANNELS // 2)]
            for name in names:
                BatteryFactory(site=self.site, name=name)
            pairs = [(name, quantity) for name in names for quantity in ("power_kw", "soc_percent")]
            references = [Reference(site="home", asset=name, quantity=quantity) for name, quantity in pairs]
            made = ensure_channels(organization=self.organization, references=references)
            credential, self.password = create_credential(site=self.site, name="gateway")
        self.username = credential.username
        self.channels = [channel.pk for channel in made]
        self.topics = [f"flex/v1/a/home/{name}/{quantity}" for name, quantity in pairs]
        self.minute = int(time.time() // 60) - 400 * 1440
        folder, pid_file = broker.access
        AccessFiles(folder, broker.password, pid_file).update()
        time.sleep(1)
        subscribe(broker, "-E")

    def publish(self, count: int) -> None:
        """Publish readings that are new, for all channels in turn, and return once the broker has them."""
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.username)
        client.username_pw_set(self.username, self.password)
        client.max_inflight_messages_set(500)
        client.max_queued_messages_set(0)
        client.connect(LOOPBACK, self.broker.port)
        client.loop_start()
        infos = []
        for index in range(count):
            minute, channel = divmod(index, CHANNELS)
            ts = datetime.fromtimestamp((self.minute + minute) * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            payload = f'{{"ts":"{ts}","value":{index % 90 + 0.25},"quality":"good"}}'
            infos.append(client.publish(self.topics[channel], payload, qos=1))
            if len(infos) > MOST_ON_THE_WAY:
                infos[0].wait_for_publish(300)
                infos = infos[MOST_ON_THE_WAY // 2 :]
        for info in infos:
            info.wait_for_publish(300)
        client.disconnect()
        client.loop_stop()
        self.minute += -(-count // CHANNELS)

    def batch(self, size: int) -> Any:
        """Return the next new readings of all channels in turn."""
        import numpy as np

        from telemetry.batches import ReadingBatch

        index = np.arange(size, dtype=np.int64)
        channels = np.array(self.channels, dtype=np.int64)[index % CHANNELS]
        times = (self.minute + index // CHANNELS) * MINUTE_US
        self.minute += -(-size // CHANNELS)
        return ReadingBatch(channels, times, index % 90 + 0.25, times)


def ways(world: World, rounds: int) -> dict[str, Any]:
    """Return rows per second and CPU per row of the broker alone, the database alone, the bridge, and plainer ways."""
    seen: dict[str, list[tuple[float, float]]] = {}
    receive("bridge", world, 4000)
    for _ in range(rounds):
        seen.setdefault("broker", []).append(drain(world, MESSAGES["bridge"]))
        seen.setdefault("database", []).append(write_alone(world, MESSAGES["bridge"]))
        for way, count in MESSAGES.items():
            seen.setdefault(way, []).append(receive(way, world, count))
    rate = {way: statistics.median(each[0] for each in found) for way, found in seen.items()}
    cpu = {way: statistics.median(each[1] for each in found) * 1e6 for way, found in seen.items()}
    found: dict[str, Any] = {f"{way}: rows/s": value for way, value in rate.items()}
    found |= {f"{way}: CPU us/row": value for way, value in cpu.items() if value}
    slower = [min(seen["broker"][index][0], seen["database"][index][0]) for index in range(rounds)]
    found["bridge / slower of broker and database"] = statistics.median(
        seen["bridge"][index][0] / slower[index] for index in range(rounds)
    )
    found["its rounds"] = [round(seen["bridge"][index][0] / slower[index], 2) for index in range(rounds)]
    found["CPU: bridge / paho with its writer"] = cpu["bridge"] / cpu["paho_batches"]
    found["rows/s: bridge / a save per message"] = rate["bridge"] / rate["paho_saves"]
    return found


def receive(way: str, world: World, count: int) -> tuple[float, float]:
    """Return rows per second and CPU seconds per row of a way that takes what waits at the broker."""
    world.publish(count)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.telemetry_receivers", way, str(count)],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = json.loads(done.stdout)
    return found["rows"] / found["seconds"], found["cpu"] / found["rows"]


def drain(world: World, count: int) -> tuple[float, float]:
    """Return messages per second that the broker alone hands to a client in C that only acknowledges."""
    world.publish(count)
    began = time.monotonic()
    subscribe(world.broker, "-C", str(count))
    return count / (time.monotonic() - began), 0.0


def subscribe(broker: Mosquitto, *options: str) -> None:
    """Take messages in the bridge's session, or only make that session."""
    url = ["-h", LOOPBACK, "-p", str(broker.port), "-u", BRIDGE_USER, "-P", broker.password]
    session = ["-i", BRIDGE_USER, "-c", "-q", "1", "-V", "5", "-x", "4294967294"]
    window = ["-D", "connect", "receive-maximum", "5000"]
    command = ["mosquitto_sub", *url, *session, *window, "-t", EVERY_READING, *options]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def write_alone(world: World, count: int) -> tuple[float, float]:
    """Return rows per second and CPU seconds per row of the bridge's writer without a broker."""
    from telemetry.services import store_readings

    batches = [world.batch(BATCH) for _ in range(count // BATCH)]
    began, cpu = time.monotonic(), time.process_time()
    for batch in batches:
        store_readings(batch=batch)
    return count / (time.monotonic() - began), (time.process_time() - cpu) / count


def growth(world: World, rows: int) -> dict[str, Any]:
    """Return the cost of a row in an empty table and behind so many rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE telemetry_reading, telemetry_rollup")
        cursor.execute("CHECKPOINT")
        empty = probe(world)
        cursor.execute("TRUNCATE telemetry_reading, telemetry_rollup")
        seconds = fill(world, rows)
        cursor.execute("CHECKPOINT")
        full = probe(world)
        cursor.execute("SELECT count(*) FROM telemetry_reading")
        ((stored,),) = cursor.fetchall()
    return {
        "rows of the full table": stored,
        "filled with rows/s": rows / seconds,
        "empty: us/row, wall": empty[0],
        "full: us/row, wall": full[0],
        "empty: us/row, CPU": empty[1],
        "full: us/row, CPU": full[1],
        "full / empty, wall": full[0] / empty[0],
        "full / empty, CPU": full[1] / empty[1],
    }


def probe(world: World, count: int = 200_000) -> tuple[float, float]:
    """Return wall and CPU microseconds per row, of client and server, by the middle batch and the sum."""
    from django.db import connection

    from telemetry.services import store_readings

    batches = [world.batch(BATCH) for _ in range(count // BATCH)]
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    walls, before = [], time.process_time() + spent(server)
    for batch in batches:
        began = time.monotonic()
        store_readings(batch=batch)
        walls.append(time.monotonic() - began)
    cpu = time.process_time() + spent(server) - before
    return statistics.median(walls) / BATCH * 1e6, cpu / count * 1e6


def spent(stat: Path) -> float:
    """Return the CPU seconds of a process."""
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def fill(world: World, rows: int) -> float:
    """Fill days with minute data of all channels, in partitions; return the seconds that it took."""
    from django.db import connection

    from telemetry.services.partitions import make_partitions

    minutes = rows // CHANNELS
    world.minute = int(time.time() // 60) - minutes - 300
    first = datetime.fromtimestamp(world.minute * 60, UTC)
    for index in range(0, minutes // 1440 + 2, 8):
        make_partitions(today=(first + timedelta(days=index)).date())
    began = time.monotonic()
    step = 1440
    with connection.cursor() as cursor:
        for start in range(0, minutes, step):
            span = [first + timedelta(minutes=start), min(step, minutes - start)]
            cursor.execute(
                "INSERT INTO telemetry_reading SELECT c.id, t.time, 1 + c.id %% 7, t.time FROM "
                "(SELECT %s + i * interval '1 minute' AS time FROM generate_series(0, %s - 1) i) t, "
                "telemetry_channel c",
                span,
            )
        cursor.execute(
            "INSERT INTO telemetry_rollup SELECT channel_id, date_bin('15 minutes', time, '1970-01-01 00:00+00'), "
            "count(*), sum(value), min(value), max(value) FROM telemetry_reading GROUP BY 1, 2"
        )
        seconds = time.monotonic() - began
        cursor.execute("ANALYZE telemetry_reading, telemetry_rollup")
    world.minute += minutes
    return seconds


def queries(world: World) -> dict[str, Any]:
    """Return how long charts and sums take, in milliseconds."""
    from django_scopes import scopes_disabled

    from telemetry.models import Channel
    from telemetry.portfolio_power import summed_power
    from telemetry.queries import chart_points, raw_buckets, sums_of_quarters

    # A whole week before the probes.
    end = datetime.fromtimestamp((world.minute // 1440 - 1) * 86_400, UTC)
    start, day = end - timedelta(days=CHART_DAYS), end - timedelta(days=1)
    bucket_us = CHART_DAYS * 86_400 * 1_000_000 // CHART_POINTS
    with scopes_disabled():
        channel = Channel.objects.get(pk=world.channels[CHANNELS // 2])
        rolled = timed(lambda: chart_points(channel, start, end, CHART_POINTS))
        raw = timed(lambda: raw_buckets(channel, start, end, bucket_us))
        summed = timed(lambda: sums_of_quarters(world.channels, day, 96))
        ours = Channel.objects.filter(organization=world.organization, last_at__isnull=False)
        kept = timed(lambda: summed_power(world.organization, ours, day, 96))
        known = chart_points(channel, start, end, CHART_POINTS)
    return {
        "points of the chart": len(known.times_us),
        "chart of a week, raw: ms": raw,
        "chart of a week, roll-up: ms": rolled,
        "raw / roll-up": raw / rolled,
        f"a day of {CHANNELS} channels summed: ms": summed,
        "the same while nothing is new: ms": kept,
    }


def timed(action: Callable[[], object]) -> float:
    """Return the median of several times in milliseconds."""
    action()
    found = []
    for _ in range(TIMES):
        began = time.monotonic()
        action()
        found.append((time.monotonic() - began) * 1000)
    return statistics.median(found)


def posts(world: World) -> dict[str, Any]:
    """Return how long a request with 100 channels and 96 values each takes, in milliseconds."""
    from tests.api.conftest import caller
    from tests.factories import MembershipFactory, UserFactory

    owner = UserFactory()
    MembershipFactory(user=owner, organization=world.organization, role="owner")
    client = caller(world.organization, owner)
    client.defaults["SERVER_NAME"] = "localhost"
    found = []
    for index in range(7):
        start = (datetime.now(UTC) - timedelta(days=20 + index)).strftime("%Y-%m-%dT00:00:00Z")
        series = [
            {"channel": channel, "start": start, "step": 900, "values": [1.5] * 96} for channel in world.channels[:100]
        ]
        began = time.monotonic()
        answer = client.post("/api/v1/readings/", {"readings": series}, format="json")
        found.append((time.monotonic() - began) * 1000)
        assert answer.json()["stored"] == 9600, answer.content
    return {"POST of 100 x 96: ms": statistics.median(found)}


if __name__ == "__main__":
    main()
