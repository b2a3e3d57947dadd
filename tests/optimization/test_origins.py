"""The site's page says in words where each input of the shown plan came from."""

from typing import Any

import pytest

from flexplatform.accounts.scoping import organization_scope
from optimization.models import ScheduleRun
from optimization.origins import Origin, origins_of
from tests.conftest import People
from tests.factories import planned_site

FORECAST = {
    "source": "forecast",
    "quantity": "site.ambient_temperature_c",
    "forecasts": [4],
    "issued_at": "2026-11-20T23:30:00+00:00",
    "by": "Weather <service>",
}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (FORECAST, "forecast site.ambient_temperature_c by Weather <service>, issued 2026-11-21 00:30"),
        ({"source": "tariffs"}, "tariffs of the site"),
        (
            {"source": "tariffs", "without_tariff": {"source": "sample", "scenario": "pv"}},
            "tariffs of the site; without a tariff: sample day of the scenario pv",
        ),
        (
            {"source": "run", "run": 3, "start": "2026-11-19T23:00:00+00:00"},
            "an earlier plan, of the day that begins 2026-11-20 00:00",
        ),
        ({}, "given with the request"),
    ],
)
def test_an_origin_is_told_in_words_and_local_time(people: People, source: dict[str, Any], words: str) -> None:
    _site, run = planned_site(people.a)
    run.input_sources = {"known_at": "2026-11-21T00:00:00+00:00", "hp.ambient_temperature_c": source}
    assert origins_of(run) == [Origin("hp.ambient_temperature_c", words)]


def test_the_page_of_a_site_tells_them_folded(people: People) -> None:
    site, run = planned_site(people.a)
    url = f"/o/a/sites/{site.slug}/"
    with organization_scope(people.a):
        ScheduleRun.objects.filter(pk=run.pk).update(input_sources={"hp.ambient_temperature_c": FORECAST})
    page = people.client("bob").get(url).content.decode()
    assert "<summary>Where the inputs came from</summary>" in page
    assert "by Weather &lt;service&gt;, issued 2026-11-21 00:30" in page
    with organization_scope(people.a):
        ScheduleRun.objects.filter(pk=run.pk).update(input_sources={})
    assert "Where the inputs came from" not in people.client("bob").get(url).content.decode()
