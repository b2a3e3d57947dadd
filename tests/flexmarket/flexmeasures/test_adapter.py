"""The one door to a FlexMeasures server: what it refuses, waits for, tries again, and says."""

import httpx
import pytest
from django.test import override_settings

from flexmarket.flexmeasures import adapter as limits
from flexmarket.flexmeasures.adapter import Account
from flexmarket.flexmeasures.errors import FlexMeasuresError, GoneError, ReplacementError, UnreachableError
from tests.flexmarket.flexmeasures.answers import ACCOUNT, PUBLIC, adapter, in_turn

WELL = httpx.Response(200, json=[{"id": 5, "name": "battery"}])
BODY = {"values": [1.0]}


def test_the_checked_address_is_connected_to_under_the_name_of_the_server() -> None:
    seen: list[httpx.Request] = []
    looked_up: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return in_turn(WELL)(request)

    def resolver(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return [PUBLIC] if len(looked_up) == 1 else ["127.0.0.1"]

    with adapter(handle, resolver=resolver) as client:
        assert client.types() == {"battery": 5}
    assert {request.url.host for request in seen} == {PUBLIC}
    assert {request.headers["Host"] for request in seen} == {"fm.example.com"}
    assert {request.extensions["sni_hostname"] for request in seen} == {"fm.example.com"}
    assert looked_up == ["fm.example.com"], "a name that changes later does not matter"
    assert [request.headers.get("Authorization") for request in seen] == [None, "token"], "bare, without Bearer"


def test_a_name_that_leads_inside_is_never_asked() -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with (
        adapter(never, resolver=lambda _host, _port: ["169.254.169.254"]) as client,
        pytest.raises(UnreachableError, match="not public"),
    ):
        client.types()


def test_a_listed_host_may_be_asked_inside() -> None:
    with override_settings(FLEXMEASURES_ALLOWED_HOSTS=["fm.local"]):
        handler = in_turn(WELL)
        with adapter(handler, url="http://fm.local:5000", resolver=lambda _host, _port: ["10.0.0.1"]) as client:
            assert client.types() == {"battery": 5}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    moved = httpx.Response(status, headers={"Location": "http://127.0.0.1/"})
    with adapter(in_turn(moved)) as client, pytest.raises(UnreachableError, match="redirect; none is followed"):
        client.types()


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BYTES", 1_000_000)
    big = httpx.Response(200, content=b"x" * 1_000_001)
    with adapter(in_turn(big)) as client, pytest.raises(UnreachableError, match="more than 1 MB"):
        client.types()


def test_what_may_pass_is_tried_again_and_the_server_says_how_long_to_wait() -> None:
    pauses: list[float] = []
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    with adapter(in_turn(httpx.Response(503), busy, WELL), pauses=pauses) as client:
        assert client.types() == {"battery": 5}
    assert pauses == [1.0, 7.0]


def test_retry_after_is_sent_with_every_answer_and_means_nothing_then() -> None:
    pauses: list[float] = []
    fine = httpx.Response(200, json=[], headers={"Retry-After": "33"})
    with adapter(in_turn(fine), pauses=pauses) as client:
        assert client.types() == {}
    assert pauses == []


def test_a_server_that_wants_a_long_rest_gets_it() -> None:
    pauses: list[float] = []
    with (
        adapter(in_turn(httpx.Response(429, headers={"Retry-After": "3600"})), pauses=pauses) as client,
        pytest.raises(UnreachableError, match="asks to wait 3600 s"),
    ):
        client.types()
    assert pauses == []


@pytest.mark.parametrize(
    ("error", "why"),
    [(httpx.ConnectError("x"), "could not be reached"), (httpx.ReadTimeout("x"), "did not answer in time")],
)
def test_a_server_that_is_down_is_given_up_after_four_attempts(error: Exception, why: str) -> None:
    pauses: list[float] = []

    def down(_request: httpx.Request) -> httpx.Response:
        raise error

    with adapter(down, pauses=pauses) as client, pytest.raises(UnreachableError, match=why):
        client.types()
    assert pauses == [1.0, 2.0, 4.0]


def test_an_unknown_name_is_said() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    with adapter(in_turn(), resolver=unknown) as client, pytest.raises(UnreachableError, match=r"name fm\.example"):
        client.types()


def test_a_refused_account_says_so_without_its_password() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"errors": ["User password does not match."]})

    with adapter(refuse) as client, pytest.raises(UnreachableError, match="does not match") as raised:
        client.types()
    assert ACCOUNT.secret not in str(raised.value)
    assert ACCOUNT.secret not in repr(ACCOUNT)


def test_a_token_that_expired_is_asked_for_again_once() -> None:
    with adapter(in_turn(httpx.Response(401), WELL)) as client:
        assert client.types() == {"battery": 5}
    with adapter(in_turn(httpx.Response(401), httpx.Response(401))) as client, pytest.raises(UnreachableError):
        client.types()


def test_a_token_of_a_person_is_used_as_it_is() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.path} {request.headers['Authorization']}")
        return httpx.Response(401)

    with (
        adapter(handle, account=Account("", "my token")) as client,
        pytest.raises(UnreachableError, match="does not accept the token"),
    ):
        client.types()
    assert seen == ["/api/v3_0/assets/types my token"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, json={"message": "Sensor 9 not found"}), GoneError),
        (httpx.Response(422, json={"message": {"path": {"id": ["No sensor found with ID 9."]}}}), GoneError),
        (httpx.Response(403, json={"message": "no", "status": "INVALID_SENDER"}), GoneError),
        (httpx.Response(403, json={"message": "a replacement", "status": "INVALID_REPLACEMENT"}), ReplacementError),
        (httpx.Response(422, json={"message": "incompatible unit: EUR/kWh"}), FlexMeasuresError),
        (httpx.Response(413), FlexMeasuresError),
    ],
)
def test_a_refused_post_is_told_by_its_kind(answer: httpx.Response, kind: type[Exception]) -> None:
    with adapter(in_turn(answer)) as client, pytest.raises(FlexMeasuresError) as raised:
        client.post(9, BODY)
    assert type(raised.value) is kind


def test_the_sql_of_a_broken_server_is_not_passed_on() -> None:
    broken = httpx.Response(500, json={"message": "INSERT INTO generic_asset (name) VALUES ('Home')"})
    with adapter(in_turn(broken)) as client, pytest.raises(FlexMeasuresError) as raised:
        client.post(9, BODY)
    assert str(raised.value) == "answered 500."


def test_accepted_is_not_stored() -> None:
    pauses: list[float] = []
    accepted = httpx.Response(202, json={"status": "ACCEPTED", "job": "j"})
    failed = httpx.Response(422, json={"exc-info": "Traceback\n  File ...\nValueError: no such unit"})
    queue = in_turn(accepted, httpx.Response(202), httpx.Response(200, json={}), httpx.Response(202), failed)
    with adapter(queue, pauses=pauses) as client:
        assert client.post(9, BODY) == "j"
        client.wait("j")
        assert pauses == [0.5]
        with pytest.raises(FlexMeasuresError, match=r"^answered 422: ValueError: no such unit$"):
            client.wait("j")


def test_a_job_that_never_ends_is_given_up() -> None:
    pauses: list[float] = []
    with (
        adapter(in_turn(*[httpx.Response(202)] * 40), pauses=pauses) as client,
        pytest.raises(FlexMeasuresError, match="did not store them"),
    ):
        client.wait("j")
    assert sum(pauses) >= limits.SECONDS_TO_PROCESS


def test_what_was_made_although_no_answer_came_is_found_again() -> None:
    mine = {"id": 8, "external_id": "a:site:1", "name": "Home"}
    nothing, user = httpx.Response(200, json={"data": []}), httpx.Response(200, json={"account_id": 3})
    taken, found = httpx.Response(500, text="INSERT"), httpx.Response(200, json={"data": [mine]})
    with adapter(in_turn(nothing, user, taken, found)) as client:
        assert client.create_asset({"name": "Home", "external_id": "a:site:1"}) == 8
    there = httpx.Response(200, json=[{"id": 4, "name": "power"}])
    with adapter(in_turn(httpx.Response(500), there)) as client:
        assert client.create_sensor({"name": "power", "generic_asset_id": 8}) == 4


def test_an_answer_that_is_no_json_is_an_error_in_words() -> None:
    with (
        adapter(in_turn(httpx.Response(200, text="<html>"))) as client,
        pytest.raises(FlexMeasuresError, match="answered with no list"),
    ):
        client.types()
