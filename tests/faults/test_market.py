"""The whole life of a flexibility with real processes: from a reading to a closed statement, for two organizations.

One device obeys, the other does not; the worker that has an order in its hands is killed. The clocks of the devices
and of the settlement run ahead, so that nobody waits for the call.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from flexplatform.embedded.mqtt import Mosquitto, find_mosquitto
from flexplatform.embedded.process import ChildProcess
from flexplatform.embedded.valkey import running_valkey
from flexplatform.env import BASE_DIR
from flexplatform.server import job_clock, job_worker
from tests.faults.telemetry_platform import TelemetryPlatform, taken
from tests.faults.test_lost_workers import TIMES

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
]

D = Decimal


class MarketPlatform(TelemetryPlatform):
    """Two organizations with a house each, a broker of messages, a broker of jobs, a bridge, workers."""

    def worker(self, name: str, running: ExitStack) -> ChildProcess:
        child = job_worker(self.environment, self.folder, name)
        child.polite = False
        running.enter_context(child).start()
        return child

    def done(self, number: int) -> dict[str, Any]:
        """Return the result of a job once it has succeeded."""
        self.wait_for(lambda: self("job", number=number)["status"] in ("succeeded", "failed"))
        found = self("job", number=number)
        assert found["status"] == "succeeded", found
        return dict(found["result"])

    def simulate(self, organization: str, seconds_ahead: float) -> ChildProcess:
        """Return the organization's devices, whose clock is ahead."""
        options = ["simulate_devices", "--organization", organization, "--every", "0.5"]
        return ChildProcess(
            f"devices {seconds_ahead:.0f} s ahead",
            [sys.executable, "-m", "tests.faults.later", f"{seconds_ahead}", *options],
            environment=self.environment,
            folder=BASE_DIR,
            log=self.folder / f"devices-{seconds_ahead:.0f}.log",
            polite=True,
        )

    def wait_for(self, condition: Any, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "".join(path.read_text()[-3000:] for path in self.folder.rglob("*.log"))
                raise AssertionError(f"{self('look', organization='a')} {self('look', organization='b')} {logs}")
            time.sleep(0.1)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def platform(tmp_path: Path, running: ExitStack) -> MarketPlatform:
    broker = running.enter_context(Mosquitto(tmp_path / "broker"))
    broker.start()
    jobs = running.enter_context(running_valkey(tmp_path / "valkey"))
    made = MarketPlatform(
        tmp_path,
        f"sqlite:///{tmp_path / 'db.sqlite3'}",
        broker,
        driver="market_driver.py",
        CELERY_BROKER_URL=jobs.url,
        **TIMES,
    )
    running.callback(made.stop)
    running.enter_context(job_clock(made.environment, tmp_path)).start()
    made.bridge()
    return made


def say(platform: MarketPlatform, organization: str, values: dict[float, float]) -> None:
    """Publish powers of the battery by their time, as a device that does what it likes."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="disobedient")
    username, password = platform.devices[organization]
    client.username_pw_set(username, password)
    client.connect("127.0.0.1", platform.broker.port)
    client.loop_start()
    for ts, value in values.items():
        topic = f"flex/v1/{organization}/home/battery/power_kw"
        taken(client.publish(topic, f'{{"ts":{ts},"value":{value}}}', qos=1))
    client.disconnect()
    client.loop_stop()


def test_from_a_reading_to_a_closed_statement(platform: MarketPlatform, running: ExitStack) -> None:
    first = platform.worker("first", running)
    # Telemetry comes in.
    with platform.simulate("a", 0.0) as devices:
        devices.start()
        platform.wait_for(lambda: "battery.soc_percent" in platform("look", organization="a")["newest"])
        # Forecast, schedule, offers on the market.
        for step in ("forecast", "schedule", "offer"):
            jobs = [platform(step, organization=each) for each in "ab"]
            for number in jobs:
                platform.done(number)
        assert "forecast" in str(platform("look", organization="a")["forecasts"])
        # Orders of both; the worker is killed with them in its hands.
        orders = {each: platform("order", organization=each, reference=f"call-{each}") for each in "ab"}
        first.process.kill()
        platform.worker("second", running)
        for each in orders.values():
            platform.done(each["job"])
        seen = {each: platform("look", organization=each) for each in "ab"}
        for each in "ab":
            (reference, state, offer_state, _, _) = seen[each]["orders"][0]
            assert (reference, state, offer_state) == (f"call-{each}", "activated", "activated")
            assert seen[each]["runs"] == 2, "the plan, and the plan with the call, once"
        # The obedient device acknowledges what it is told.
        platform.wait_for(lambda: ["activation", "acknowledged"] in platform("look", organization="a")["setpoints"])
    assert platform("look", organization="b")["setpoints"][-1] == ["activation", "sent"]
    # The call itself: the obedient device runs ahead to it, the other one goes on as it had planned.
    begins = orders["a"]["start"] - time.time()
    told = seen["a"]["orders"][0][4][0] - orders["a"]["power_kw"]
    with platform.simulate("a", begins + 1.0) as devices:
        devices.start()
        platform.wait_for(lambda: abs(platform("look", organization="a")["newest"]["battery.power_kw"] - told) < 1e-3)
    start, planned = orders["b"]["start"], seen["b"]["orders"][0][4][0]
    say(platform, "b", {start + minute * 60: planned for minute in range(1, 15)})
    platform.wait_for(lambda: "battery.power_kw" in platform("look", organization="b")["newest"])
    # Delivery is metered, and the statements add up to the cent.
    a, b = (platform("settle", organization=each) for each in "ab")
    assert a["failed"] == b["failed"] == []
    assert (a["delivered_kwh"], D(b["delivered_kwh"])) == (a["ordered_kwh"], 0)
    cent = D("0.01")
    assert D(a["payment"]) == (D(a["ordered_kwh"]) * D(a["price"])).quantize(cent, ROUND_HALF_UP) > 0
    assert D(b["penalty"]) == (D(b["ordered_kwh"]) * D("0.5")).quantize(cent, ROUND_HALF_UP) > 0
    for each in (a, b):
        amount, owner, aggregator = map(D, each["amounts"])
        assert amount == D(each["payment"]) - D(each["penalty"]) == sum(map(D, each["lines"]))
        assert (owner, owner + aggregator) == ((amount * D("0.7")).quantize(cent, ROUND_HALF_UP), amount)
        assert each["state"] == "settled"
