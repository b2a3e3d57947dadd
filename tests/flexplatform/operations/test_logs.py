"""Lines that name request, job and organization, and no secret of an address."""

import json
import logging
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings

from flexplatform.accounts import permissions
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import JobKind, job_kinds
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work, execute
from flexplatform.operations.logs import JsonFormatter, configuration, naming
from tests.api.conftest import caller
from tests.conftest import People


class Lines(logging.Handler):
    """What would stand in the log, one object per line."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, object]] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    monkeypatch.setattr(root, "level", logging.INFO)
    root.addHandler(handler)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield handler
    root.removeHandler(handler)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]


def of_requests(lines: Lines) -> list[dict[str, object]]:
    return [line for line in lines.found if line["logger"] == "flexplatform.requests"]


def test_a_page_leaves_a_line_with_its_organization(people: People, lines: Lines) -> None:
    response = people.client("alice").get("/o/a/")
    (line,) = of_requests(lines)
    assert (line["method"], line["route"], line["status"]) == ("GET", "o/<slug:organization>/", 200)
    assert line["organization"] == people.a.pk
    assert line["request"] == response["X-Request-ID"]
    assert line["level"] == "INFO"


def test_a_call_of_the_api_names_the_organization_of_its_token(people: People, lines: Lines) -> None:
    caller(people.a, people.alice).get("/api/v1/sites/")
    (line,) = of_requests(lines)
    assert (line["route"], line["organization"]) == ("api/v1/sites/", people.a.pk)


@pytest.mark.django_db
def test_a_secret_in_an_address_stays_out(lines: Lines) -> None:
    Client().get("/invitation/a-secret-text/?with=another-secret")
    assert [line["route"] for line in of_requests(lines)] == ["invitation/<str:text>/"]
    assert "secret" not in json.dumps(lines.found)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proxies", "given", "taken"),
    [(0, "from-outside", False), (1, "from-a-proxy", True), (1, 'bad"\n{', False), (1, "x" * 65, False)],
)
def test_only_an_own_proxy_may_choose_the_id(proxies: int, given: str, taken: bool) -> None:
    with override_settings(PROXY_COUNT=proxies):
        answer = Client().get("/login/", headers={"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) is taken


def test_lines_of_a_job_name_it_and_its_organization(
    people: People, lines: Lines, acts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak(_work: Work) -> dict[str, object]:
        logging.getLogger("somewhere.deep").info("at work")
        return {}

    kind = JobKind("speaking", "Speaking", speak, permissions.VIEW_JOBS, permissions.CANCEL_JOBS)
    monkeypatch.setitem(job_kinds._entries, "speaking", kind)
    with organization_scope(people.a):
        job = enqueue(organization=people.a, kind="speaking", title="Speak", input={})
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.SUCCEEDED
    (line,) = [line for line in lines.found if line["message"] == "at work"]
    assert (line["job"], line["kind"], line["organization"]) == (job.pk, "speaking", people.a.pk)


def test_an_error_is_one_line_with_its_trace() -> None:
    handler, log = Lines(), logging.Logger("alone")
    log.addHandler(handler)
    with naming(request="r1"):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("It failed.")
    (line,) = handler.found
    assert line["request"] == "r1"
    assert "ValueError: two\nlines" in str(line["exception"])
    assert "request" not in json.loads(handler.format(logging.makeLogRecord({"msg": "later"})))


def test_names_of_an_inner_block_end_with_it() -> None:
    formatter, record = JsonFormatter(), logging.makeLogRecord({"msg": "x"})
    with naming(request="r1"):
        with naming(job=7):
            assert {"request": "r1", "job": 7}.items() <= json.loads(formatter.format(record)).items()
        assert "job" not in json.loads(formatter.format(record))


def test_a_terminal_gets_plain_lines() -> None:
    assert set(configuration("plain", "INFO")["formatters"]) == {"plain"}
