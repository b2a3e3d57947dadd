"""200,000 numbered readings while the bridge is killed, and database and broker are stopped; run by hand.

    uv run python -m tests.benchmarks.telemetry_faults [--count 200000]

Needs mosquitto. Prints what was lost and doubled, and ends with 1 where that is anything.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from flexplatform.embedded.mqtt import Mosquitto
from flexplatform.embedded.postgres import Postgres, running_postgres
from flexplatform.embedded.process import ChildProcess, wait_until_it_listens
from tests.faults.telemetry_platform import TelemetryPlatform

EVENTS = ("bridge", "database", "bridge", "broker", "bridge", "database", "bridge", "broker", "bridge")
SECONDS_AWAY = 3.0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200_000)
    count = parser.parse_args().count
    with running_postgres() as database, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Mosquitto(folder / "broker") as broker:
            broker.start()
            platform = TelemetryPlatform(folder, database.url(), broker)
            try:
                found = run(platform, database, broker, count)
            finally:
                platform.stop()
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return int(bool(found["lost"] or found["checksum_differs"] or found["rolled_up_differs"]))


def run(platform: TelemetryPlatform, database: Postgres, broker: Mosquitto, count: int) -> dict[str, object]:
    """Publish `count` readings through all events and return what became of them."""
    bridge = platform.bridge()
    platform.wait_for(lambda: platform("look")["connected"] == [True])
    began = time.monotonic()
    part = count // len(EVENTS)
    events = []
    for index, event in enumerate(EVENTS):
        first = index * part
        number = count - first if index == len(EVENTS) - 1 else part
        publishing = threading.Thread(target=platform.publish, args=("a", "battery", first, number))
        publishing.start()
        time.sleep(0.7)
        events.append(f"{event} while publishing: {publishing.is_alive()}")
        if event == "bridge":
            bridge = kill(platform, bridge)
        elif event == "broker":
            broker.stop()
            time.sleep(SECONDS_AWAY / 3)
            broker.start()
        else:
            database.stop()
            time.sleep(SECONDS_AWAY)
            ChildProcess.start(database)
            wait_until_it_listens(database, database.port, 60)
        publishing.join()
    platform.wait_for(lambda: stored(platform) >= count, 180)
    seconds = time.monotonic() - began
    bridge.stop()
    found = platform("look")
    mine = found["readings"]["a"]
    checksum = sum(number % 100 for number in range(count))
    return {
        "published": count,
        "events": events,
        "stored": mine["count"],
        "lost": count - mine["count"],
        "checksum_differs": mine["sum"] != checksum or mine["span"] != count - 1,
        # A doubled reading would count twice in the roll-ups.
        "rolled_up_differs": (found["rolled"], found["rolled_sum"]) != (count, checksum),
        "dead_letters": len(found["letters"]),
        "seconds": round(seconds, 1),
        "load": os.getloadavg(),
    }


def kill(platform: TelemetryPlatform, bridge: ChildProcess) -> ChildProcess:
    """End the bridge with -9, and start another."""
    os.killpg(os.getpgid(bridge.process.pid), signal.SIGKILL)
    bridge.process.wait()
    return platform.bridge()


def stored(platform: TelemetryPlatform) -> int:
    """Return how many readings there are; -1 while the database is away."""
    return int(platform("look")["readings"].get("a", {"count": 0})["count"])


if __name__ == "__main__":
    sys.exit(main())
