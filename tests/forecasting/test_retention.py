"""Own forecasts are thrown away after a time; what others delivered stays."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.models import ForecastRun
from forecasting.services import receive_forecast, request_scores
from forecasting.services.retention import KEPT_FOR, delete_old_forecasts
from tests.conftest import People
from tests.forecasting.makers import delivery
from tests.forecasting.own import DAY, NOW, ORIGIN, home, nightly, work_all


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_own_forecasts_are_thrown_away_when_they_are_old(people: People, clock: time_machine.Traveller) -> None:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        site, channel = home(people.a, 10)
        nightly(people.a)
        given = delivery(site, channel.asset_id, issued_at=NOW, start=ORIGIN)
        foreign = receive_forecast(organization=people.a, delivery=given)
        # It ended at 23:00 UTC of the 22nd.
        clock.move_to(NOW + 2 * DAY + KEPT_FOR - timedelta(hours=3))
        assert delete_old_forecasts(organization=people.a) == 0
    clock.move_to(NOW + 2 * DAY + KEPT_FOR)
    with organization_scope(people.b), acting(people.charlie, Door.PORTAL):
        assert delete_old_forecasts(organization=people.b) == 0
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        job = request_scores(organization=people.a)
        work_all()
        job.refresh_from_db()
        assert job.result["deleted"] == 1
        assert list(ForecastRun.objects.all()) == [foreign]
        assert AuditEvent.objects.get(action="forecastrun.expire").after["forecasts"] == 1
