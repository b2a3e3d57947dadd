"""The one door to a FlexMeasures server: its API 3.0 over HTTP, as release 1.0 behaves, with limits and back-off.

A redirect is never followed, and what was checked about the address is what is connected to.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexmarket.flexmeasures.addresses import AddressRefusedError, Resolver, Server, address_of, resolve
from flexmarket.flexmeasures.errors import FlexMeasuresError, GoneError, ReplacementError, UnreachableError

if TYPE_CHECKING:
    import httpx

API = "/api/v3_0"
SECONDS = 30.0
MOST_BYTES = 5_000_000
MOST_SHOWN = 300
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
SECONDS_TO_PROCESS = 120.0
PER_PAGE = 100
MOST_PAGES = 200
OK, ACCEPTED, MULTIPLE_CHOICES, BAD_REQUEST = 200, 202, 300, 400
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, UNPROCESSABLE, TOO_MANY = 401, 403, 404, 422, 429
TRY_AGAIN = frozenset({TOO_MANY, 502, 503, 504})
REPLACED = "replacement"
Json = Any


@dataclass(frozen=True)
class Account:
    """Whom to sign in as: an e-mail address with its password, or a token where `email` is empty."""

    email: str
    secret: str

    def __repr__(self) -> str:
        return f"Account({self.email!r})"


@dataclass(frozen=True)
class Answer:
    """What the server said; `body` is the parsed JSON, None where it was none."""

    status: int
    body: Json
    text: str


class Adapter:
    """A signed-in client for one run of requests; use it as a context.

    Tests give it a `transport`, a `resolver`, and no pauses. `told` is called before each pause, so that somebody who
    waits can be told, and may raise to end it.
    """

    def __init__(
        self,
        server: Server,
        account: Account,
        *,
        transport: "httpx.BaseTransport | None" = None,
        resolver: Resolver = resolve,
        pause: Callable[[float], None] = time.sleep,
        told: Callable[[str], None] = lambda _text: None,
    ) -> None:
        import httpx

        # The environment's proxies and .netrc are left out: they would be asked instead of the checked address.
        self._client = httpx.Client(transport=transport, timeout=SECONDS, follow_redirects=False, trust_env=False)
        self._server, self._account, self._resolver = server, account, resolver
        self._pause, self._told = pause, told
        self._token = "" if account.email else account.secret
        self._address = ""
        self._types: dict[str, int] | None = None
        self._account_id: int | None = None
        self._user_id: int | None = None

    def __enter__(self) -> "Adapter":
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def types(self) -> Mapping[str, int]:
        """Return the ids of the generic asset types by name."""
        if self._types is None:
            rows = _rows(self._call("GET", f"{API}/assets/types"))
            self._types = {str(each["name"]): int(each["id"]) for each in rows}
        return self._types

    def account_id(self) -> int:
        """Return the id of the account that the user belongs to.

        Raises:
            UnreachableError: where the server does not tell.
        """
        if self._account_id is None:
            if self._account.email and self._user_id is None:
                self._sign_in()
            body = self._call("GET", f"{API}/users/{self._user_id}" if self._user_id else f"{API}/users")
            found = body.get("account_id") if isinstance(body, dict) else _same_account(body)
            if not isinstance(found, int):
                raise UnreachableError("The server did not say which account the user belongs to.")
            self._account_id = found
        return self._account_id

    def find_asset(self, external_id: str, *, name: str = "", parent: int | None = None) -> int | None:
        """Return the id of the asset that we made under an id of ours: below a parent, of a name, or of any."""
        wanted: dict[str, str] = {}
        if parent is not None:
            wanted["root"] = str(parent)
        elif name:
            wanted["filter"] = name.replace('"', " ")
        for page in range(1, MOST_PAGES):
            rows = _rows(self._call("GET", f"{API}/assets", {**wanted, "page": str(page), "per_page": str(PER_PAGE)}))
            for each in rows:
                if each.get("external_id") == external_id:
                    return int(each["id"])
            if len(rows) < PER_PAGE:
                break
        return None

    def create_asset(self, values: Mapping[str, Json]) -> int:
        """Make an asset of the user's account and return its id; one that is there already is found."""
        name, external_id, parent = values["name"], values["external_id"], values.get("parent_asset_id")
        found = self.find_asset(external_id, name=name, parent=parent)
        if found is not None:
            return found
        try:
            made = self._call("POST", f"{API}/assets", json_body={**values, "account_id": self.account_id()})
            return _id_of(made)
        except UnreachableError:
            raise
        except FlexMeasuresError:
            # It may have been made although no answer came, or bear a name that a person has given it there.
            found = self.find_asset(external_id)
            if found is None:
                raise
            return found

    def change_asset(self, asset: int, values: Mapping[str, Json]) -> None:
        """Change an asset.

        Raises:
            GoneError: where there is none of this id.
        """
        self._call("PATCH", f"{API}/assets/{asset}", json_body=values)

    def sensors(self, asset: int) -> Mapping[str, int]:
        """Return the ids of an asset's own sensors by name.

        Raises:
            GoneError: where there is no such asset.
        """
        rows = _rows(self._call("GET", f"{API}/sensors", {"asset_id": str(asset)}))
        return {str(each["name"]): int(each["id"]) for each in rows if each.get("generic_asset_id", asset) == asset}

    def create_sensor(self, values: Mapping[str, Json]) -> int:
        """Make a sensor and return its id; one that is there already is found."""
        asset, name = values["generic_asset_id"], values["name"]
        try:
            return _id_of(self._call("POST", f"{API}/sensors", json_body=values))
        except UnreachableError:
            raise
        except FlexMeasuresError:
            found = self.sensors(asset).get(name)
            if found is None:
                raise
            return found

    def post(self, sensor: int, values: Mapping[str, Json]) -> str | None:
        """Post a series; return the job that stores it, None where it is stored already.

        Raises:
            GoneError: where there is no such sensor.
            ReplacementError: where other values were posted before with the same belief time.
        """
        body = self._call("POST", f"{API}/sensors/{sensor}/data", json_body=values)
        job = body.get("job") if isinstance(body, dict) and body.get("status") == "ACCEPTED" else None
        return str(job) if job else None

    def wait(self, job: str) -> None:
        """Return once the server has stored a series that it had only accepted.

        Raises:
            ReplacementError: where other values were posted before with the same belief time.
            FlexMeasuresError: where it failed, or is not done within two minutes.
        """
        waited, pause = 0.0, 0.5
        while True:
            answer = self._answer("GET", f"{API}/jobs/{job}")
            if answer.status == OK:
                return
            if answer.status != ACCEPTED:
                raise _error(answer)
            if waited >= SECONDS_TO_PROCESS:
                raise FlexMeasuresError(f"The server accepted values, but did not store them within {waited:.0f} s.")
            self._rest(pause, "The server has not stored the values yet")
            waited, pause = waited + pause, min(pause * 2, 8.0)

    def _call(self, method: str, path: str, params: Mapping[str, str] | None = None, *, json_body: Json = None) -> Json:
        answer = self._answer(method, path, params, json_body)
        if not OK <= answer.status < MULTIPLE_CHOICES:
            raise _error(answer)
        return answer.body

    def _answer(
        self, method: str, path: str, params: Mapping[str, str] | None = None, json_body: Json = None
    ) -> Answer:
        """Ask with a token; where that has expired, once more with a new one."""
        if not self._token:
            self._sign_in()
        answer = self._ask(method, path, params, json_body)
        if answer.status == UNAUTHORIZED and self._account.email:
            self._sign_in()
            answer = self._ask(method, path, params, json_body)
        if answer.status == UNAUTHORIZED:
            raise UnreachableError("The server does not accept the token. Enter an account, or a new token.")
        return answer

    def _sign_in(self) -> None:
        self._token = ""
        told = {"email": self._account.email, "password": self._account.secret}
        answer = self._ask("POST", "/api/requestAuthToken", None, told)
        token = answer.body.get("auth_token") if isinstance(answer.body, dict) else None
        if answer.status in {UNAUTHORIZED, FORBIDDEN, UNPROCESSABLE, BAD_REQUEST}:
            raise UnreachableError(f"The server refuses the account {self._account.email}: {_said(answer)}")
        if answer.status != OK or not token:
            raise UnreachableError(f"The server gave no token: {_said(answer)}")
        self._token, self._user_id = str(token), answer.body.get("user_id")

    def _ask(self, method: str, path: str, params: Mapping[str, str] | None, json_body: Json) -> Answer:
        """Ask until there is an answer that is no passing failure; with back-off, or as long as the server says."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer, wait = self._once(method, path, params, json_body)
            except _PassingError as error:
                problem, wait = str(error), 0.0
            else:
                if answer.status not in TRY_AGAIN:
                    return answer
                problem = f"The server answered {answer.status}"
            if wait > LONGEST_PAUSE_SECONDS:
                raise UnreachableError(f"{problem} and asks to wait {wait:.0f} s.")
            if attempt < ATTEMPTS:
                self._rest(wait or FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), problem)
        raise UnreachableError(f"{problem} ({ATTEMPTS} attempts).")

    def _once(self, method: str, path: str, params: Mapping[str, str] | None, json_body: Json) -> tuple[Answer, float]:
        """Return an answer, and for how many seconds it asks to be left alone where it is one to be tried again."""
        import httpx

        headers = {"Host": self._server.authority, "User-Agent": "FlexPlatform", "Accept": "application/json"}
        headers |= {"Authorization": self._token} if self._token else {}
        url = f"{self._server.scheme}://{self._checked_address()}:{self._server.port}{path}"
        try:
            with self._client.stream(
                method,
                url,
                params=dict(params or {}),
                json=json_body,
                headers=headers,
                extensions={"sni_hostname": self._server.host},
            ) as said:
                text = _limited(said)
        except httpx.TimeoutException:
            raise _PassingError(f"{self._server.host} did not answer in time") from None
        except httpx.TransportError as error:
            raise _PassingError(f"{self._server.host} could not be reached ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self._server.host} gave no answer ({type(error).__name__}).") from None
        if MULTIPLE_CHOICES <= said.status_code < BAD_REQUEST:
            raise UnreachableError(f"{self._server.host} answered {said.status_code}, a redirect; none is followed.")
        wait = _asked_to_wait(said) if said.status_code in TRY_AGAIN else 0.0
        return Answer(said.status_code, _parsed(text), text), wait

    def _checked_address(self) -> str:
        """Return the address of the server, looked up and checked once; later changes of its name do not matter."""
        if not self._address:
            try:
                found = address_of(self._server, self._resolver)
            except AddressRefusedError as error:
                raise UnreachableError(str(error)) from None
            except OSError:
                raise _PassingError(f"The name {self._server.host} is not known") from None
            self._address = f"[{found}]" if ":" in found else found
        return self._address

    def _rest(self, seconds: float, why: str) -> None:
        self._told(f"{why}; next attempt in {seconds:.0f} s")
        self._pause(seconds)


class _PassingError(Exception):
    """A failure that may be gone in a moment."""


def _limited(said: "httpx.Response") -> str:
    """Return the body; the limit holds for what it is after decompression."""
    body = bytearray()
    for chunk in said.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise UnreachableError(f"The server answered with more than {MOST_BYTES // 1_000_000} MB.")
    return body.decode("utf-8", errors="replace")


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _asked_to_wait(said: "httpx.Response") -> float:
    """Return the seconds of Retry-After; only asked where the answer is a refusal, as the server always sends it."""
    try:
        return max(float(said.headers.get("Retry-After", "0")), 0.0)
    except ValueError:
        return 0.0


def _rows(body: Json) -> list[dict[str, Json]]:
    rows = body.get("data") if isinstance(body, dict) else body
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise FlexMeasuresError("The server answered with no list.")
    return rows


def _same_account(body: Json) -> Json:
    """Return the account of the users that a token may see, where it is one account."""
    accounts = {each.get("account_id") for each in _rows(body)}
    return accounts.pop() if len(accounts) == 1 else None


def _id_of(body: Json) -> int:
    found = body.get("id") if isinstance(body, dict) else None
    if not isinstance(found, int):
        raise FlexMeasuresError("The server did not say which id it gave.")
    return found


def _error(answer: Answer) -> FlexMeasuresError:
    said = _said(answer)
    if answer.status in {FORBIDDEN, UNPROCESSABLE} and REPLACED in answer.text.lower():
        return ReplacementError(said)
    if answer.status == NOT_FOUND or (answer.status == UNPROCESSABLE and "found with ID" in answer.text):
        return GoneError(said)
    if answer.status == FORBIDDEN and "INVALID_SENDER" in answer.text:
        return GoneError(f"{said} The user needs the role account-admin to make assets.")
    return FlexMeasuresError(said)


def _said(answer: Answer) -> str:
    """Return what an answer says in one line; of a page, a statement in SQL or a traceback only the status."""
    body = answer.body if isinstance(answer.body, dict) else {}
    found = body.get("message") or body.get("errors") or body.get("exc-info") or ""
    text = found if isinstance(found, str) else json.dumps(found)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = "" if answer.status >= 500 or not lines else lines[-1][:MOST_SHOWN]
    return f"answered {answer.status}" + (f": {shown}" if shown else ".")
