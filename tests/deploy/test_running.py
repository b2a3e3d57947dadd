"""The set-up of docker-compose.yml with real processes: it serves, works, hears devices, and ends in time."""

import json
import shutil
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from flexplatform.embedded.mqtt import find_mosquitto
from tests.deploy.native import PLATFORM, Native, end_in_time, natively

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


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


def test_the_composed_platform_serves_works_hears_and_ends(tmp_path: Path) -> None:
    with natively(tmp_path) as native:
        for name in ("worker", "beat", "bridge"):
            native.start(name)
        token = native.run("migrate", "python", "-m", "tests.deploy.first_rows").strip()
        native.start("web")
        call = Caller(native, token)
        native.wait_for(lambda: native.healthy("web"))

        site, job = plan_a_site(call)
        device = call("device-credentials/", {"site": site, "name": "gateway"})
        native.wait_for(lambda: call(f"jobs/{job}/")["status"] not in ("queued", "running"))
        done = call(f"jobs/{job}/")
        assert done["status"] == "succeeded", done["error"]
        assert call(f"schedule-runs/{done['result']['run']}/")["status"] == "optimal"

        topic = "flex/v1/a/home/battery/soc_percent"
        publish(native, device["username"], device["password"], topic, 42.5)
        newest = native.wait_for(lambda: call(f"readings/?site={site}&quantity=soc_percent")["results"])
        assert [each["last_value"] for each in newest] == [42.5]

        native.wait_for(lambda: json.loads(call.text("/healthz"))["status"] == "ok")
        for name in PLATFORM:
            native.wait_for(lambda name=name: native.healthy(name))
        shown = call.text("/metrics", token=native.secret("metrics_token"))
        told = {
            (each.name, *each.labels.values()): each.value
            for family in text_string_to_metric_families(shown)
            for each in family.samples
        }
        assert told["flexplatform_jobs", "succeeded"] >= 1
        assert told["flexplatform_bridge_messages_total", "flexplatform-bridge", "stored"] == 1
        # Of both processes of the web server.
        assert told["flexplatform_requests_total", "POST", "api/v1/sites/", "201"] == 1

        assert end_in_time(native, PLATFORM) == dict.fromkeys(PLATFORM, 0)
        assert end_in_time(native, ["mosquitto", "valkey"]) == {"mosquitto": 0, "valkey": 0}
        logs = {name: (tmp_path / f"{name}.log").read_text().splitlines() for name in PLATFORM}
        # Celery says farewell past all loggers, and warns where tests run as root.
        logs["worker"] = [line for line in logs["worker"] if line.startswith("{")]
        told = [json.loads(line) for lines in logs.values() for line in lines]
        assert [line for line in told if line.get("job") == job]
        assert not [line for line in told if line["level"] in ("ERROR", "CRITICAL")]
