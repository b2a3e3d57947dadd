import pytest
from django.test import Client

from flexplatform.registry import HealthCheck, health_checks


@pytest.mark.django_db
def test_all_is_well() -> None:
    response = Client().get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": {"database": "ok", "jobs": "ok", "mqtt_bridge": "ok"}}


@pytest.mark.django_db
def test_one_failing_check_fails_the_whole(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(health_checks._entries, "broker", HealthCheck("broker", lambda: "does not answer"))
    response = Client().get("/healthz")
    assert response.status_code == 503
    assert response.json()["checks"]["broker"] == "does not answer"
    assert caplog.records == []
