"""The set-up of docker-compose.yml with real processes: it serves, works, hears, is backed up, and ends in time."""

import json
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from flexplatform.embedded.mqtt import find_mosquitto
from flexplatform.embedded.postgres import running_postgres
from tests.deploy.backups import counts, in_docs, run_on
from tests.deploy.native import PLATFORM, Native, end_in_time, make_database, natively

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


REMOVALS = ("DELETE FROM accounts_auditevent", "TRUNCATE accounts_auditevent CASCADE")


class Caller:
    """A program with a token, as the proxy passes it on."""

    def __init__(self, native: Native, token: str) -> None:
        self.base, self.token = f"http://127.0.0.1:{native.ports['web']}", token

    def __call__(self, path: str, body: Any = None) -> Any:
        text = self.text(f"/api/v1/{path}", None if body is None else json.dumps(body).encode())
        return json.loads(text)

    def text(self, path: str, body: bytes | None = None, token: str = "") -> str:
        headers = {"Host": "flex.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        headers |= {"Authorization": f"Bearer {token or self.token}", "Idempotency-Key": uuid4().hex}
        headers |= {"Content-Type": "application/json"}
        try:
            with urlopen(Request(self.base + path, body, headers), timeout=30) as answer:  # noqa: S310
                return str(answer.read().decode())
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from error


def plan_a_site(call: Caller) -> tuple[int, int]:
    """Make a site with a battery and ask for tomorrow's plan; return the ids of site and job."""
    portfolio = call("portfolios/", {"name": "North"})["id"]
    place = {"latitude": 48.26, "longitude": 11.43}
    site = call("sites/", {"portfolio": portfolio, "name": "Home", **place})["id"]
    battery = {"capacity_kwh": 10, "charge_power_kw": 5, "discharge_power_kw": 5}
    call("assets/battery/", {"site": site, "name": "battery", **battery})
    tariff = {"name": "Flat", "commodity": "import", "valid_from": "2026-01-01", "energy_price_per_kwh": 0.3}
    priced = {"site": site, "tariff": call("tariffs/", tariff)["id"], "valid_from": "2026-01-01"}
    call("site-tariffs/", priced)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    return site, call("schedule-runs/", {"site": site, "day": tomorrow})["id"]


def publish(native: Native, username: str, password: str, topic: str, value: float) -> None:
    """Publish a reading as a device, over TLS; a broker that does not know the device yet is asked again."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=username)
    client.username_pw_set(username, password)
    client.tls_set(ca_certs=str(native.folder / "secrets/broker_authority"), cert_reqs=ssl.CERT_REQUIRED)
    client.reconnect_delay_set(1, 1)
    client.connect("localhost", native.ports["mosquitto"])
    client.loop_start()
    native.wait_for(client.is_connected)
    sent = client.publish(topic, json.dumps({"ts": int(time.time()), "value": value}), qos=1)
    native.wait_for(sent.is_published)
    client.disconnect()
    client.loop_stop()


@dataclass
class Platform:
    """What runs, a program that calls it, and what was planned there."""

    native: Native
    call: Caller
    site: int
    job: int


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with natively(tmp_path_factory.mktemp("platform")) as native:
        for name in ("worker", "beat", "bridge"):
            native.start(name)
        token = native.run("migrate", "python", "-m", "tests.deploy.first_rows").strip()
        native.start("web")
        call = Caller(native, token)
        native.wait_for(lambda: native.healthy("web"))
        yield Platform(native, call, *plan_a_site(call))


def test_it_works_and_hears_devices(platform: Platform) -> None:
    native, call = platform.native, platform.call
    device = call("device-credentials/", {"site": platform.site, "name": "gateway"})
    native.wait_for(lambda: call(f"jobs/{platform.job}/")["status"] not in ("queued", "running"))
    done = call(f"jobs/{platform.job}/")
    assert done["status"] == "succeeded", done["error"]
    assert call(f"schedule-runs/{done['result']['run']}/")["status"] == "optimal"

    topic = "flex/v1/a/home/battery/soc_percent"
    publish(native, device["username"], device["password"], topic, 42.5)
    newest = native.wait_for(lambda: call(f"readings/?site={platform.site}&quantity=soc_percent")["results"])
    assert [each["last_value"] for each in newest] == [42.5]


def test_its_health_checks_are_well_and_its_figures_are_told(platform: Platform) -> None:
    native, call = platform.native, platform.call
    for name in PLATFORM:
        native.wait_for(lambda name=name: native.healthy(name))
    native.wait_for(lambda: json.loads(call.text("/healthz"))["status"] == "ok")
    # The bridge tells every few seconds what it has stored.
    native.wait_for(lambda: figures(platform)["flexplatform_bridge_messages_total", "flexplatform-bridge", "stored"])
    told = figures(platform)
    assert told["flexplatform_jobs", "succeeded"] >= 1
    # Of both processes of the web server.
    assert told["flexplatform_requests_total", "POST", "api/v1/sites/", "201"] == 1


def figures(platform: Platform) -> dict[tuple[str, ...], float]:
    """Return what Prometheus would see, by name and labels."""
    shown = platform.call.text("/metrics", token=platform.native.secret("metrics_token"))
    families = text_string_to_metric_families(shown)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_its_backup_is_restored_on_another_server(platform: Platform, tmp_path: Path) -> None:
    backup, restore = in_docs("## Backup"), in_docs("## Restore")
    source = platform.native.postgres
    before = counts(source)
    run_on(source, backup, tmp_path)
    after = counts(source)
    with running_postgres(source.programs) as target:
        make_database(target)
        run_on(target, [line for line in restore if "pg_restore" in line], tmp_path)
        found = counts(target)
        environment = {"DATABASE_URL_FILE": "", "DATABASE_URL": target.url("flexplatform")}
        platform.native.run("migrate", "python", "manage.py", "migrate", "--check", **environment)
        assert [line for line in restore if "run --rm migrate" in line]
        assert set(found) == set(before)
        # What was written while it was dumped may be in it or not.
        assert not {name for name in found if not before[name] <= found[name] <= after[name]}
        assert found["telemetry_reading"] == found["optimization_schedulerun"] == 1
        assert found["accounts_auditevent"] > 5
        for change in ("UPDATE accounts_auditevent SET action = 'x'", *REMOVALS):
            with psycopg.connect(target.url("flexplatform")) as connection, pytest.raises(psycopg.Error) as refused:
                connection.execute(change)
            assert "append-only" in str(refused.value)


def test_it_ends_in_time_and_has_said_what_it_did(platform: Platform) -> None:
    native = platform.native
    assert end_in_time(native, PLATFORM) == dict.fromkeys(PLATFORM, 0)
    assert end_in_time(native, ["mosquitto", "valkey"]) == {"mosquitto": 0, "valkey": 0}
    logs = {name: (native.folder / f"{name}.log").read_text().splitlines() for name in PLATFORM}
    # Celery says farewell past all loggers, and warns where tests run as root.
    logs["worker"] = [line for line in logs["worker"] if line.startswith("{")]
    told = [json.loads(line) for lines in logs.values() for line in lines]
    assert [line for line in told if line.get("job") == platform.job]
    assert not [line for line in told if line["level"] in ("ERROR", "CRITICAL")]
