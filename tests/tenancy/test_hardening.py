"""Production settings, cookies, content security policy."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib import admin
from django.test import Client

from flexplatform.env import BASE_DIR
from flexplatform.server import PortalServer
from tests.conftest import People
from tests.tenancy.addresses import TENANT, TENANT_ROUTES
from tests.tenancy.conftest import World

pytestmark = pytest.mark.one_database

LONG = "a-Long.secret_" * 5
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": LONG,
    "API_TOKEN_PEPPER": LONG[::-1],
    "ALLOWED_HOSTS": "flex.example.org",
}
SHOW = """
import django; django.setup()
from django.conf import settings as s
names = "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE"
names += " CSRF_COOKIE_NAME CSRF_COOKIE_SECURE CSRF_COOKIE_HTTPONLY SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS DEBUG"
print(*(getattr(s, name) for name in names.split()))
"""


def run(var: Path, environment: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env={**kept, "VAR_DIR": str(var), "DJANGO_SETTINGS_MODULE": "flexplatform.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_django_finds_nothing_to_say_about_production(tmp_path: Path) -> None:
    done = run(tmp_path, PRODUCTION, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("name", ["SECRET_KEY", "API_TOKEN_PEPPER", "ALLOWED_HOSTS"])
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "empty"])
def test_production_does_not_start_without(tmp_path: Path, name: str, missing: bool) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name} | ({} if missing else {name: ""})
    done = run(tmp_path, environment, "manage.py", "check")
    assert done.returncode != 0
    assert name in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["SECRET_KEY", "API_TOKEN_PEPPER", "ALLOWED_HOSTS"])
def test_the_web_server_ends_with_one_line_that_names_what_is_missing(tmp_path: Path, name: str) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name}
    done = run(tmp_path, environment, *PortalServer("127.0.0.1", 0).command[1:])
    assert done.returncode == 4
    assert done.stderr == f"The environment variable {name} must be set in production.\n"


def test_a_web_server_of_ones_own_making_ends_too(tmp_path: Path) -> None:
    command = ("-m", "gunicorn", "flexplatform.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket")
    done = run(tmp_path, {"ENVIRONMENT": "production"}, *command)
    assert done.returncode == 4
    assert "The environment variable SECRET_KEY must be set in production." in done.stderr
    assert "Traceback" not in done.stderr


def test_production_cookies_are_for_https_and_hidden_from_scripts(tmp_path: Path) -> None:
    done = run(tmp_path, PRODUCTION, "-c", SHOW)
    expected = "__Host-sessionid True True Lax __Host-csrftoken True True True 31536000 False"
    assert done.stdout.strip() == expected, done.stderr


def inline(content: str) -> list[str]:
    """Return what the content security policy would block."""
    found = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/(?:ld\+)?json)[^>]*>", content)
    found += re.findall(r"<style[^>]*>", content)
    found += re.findall(r"<[^>]*\s(?:style|on[a-z]+)=\"[^>]*>", content)
    return found


def test_the_search_for_inline_code_finds_it() -> None:
    for bad in ("<script>x</script>", '<p style="x">', '<a onclick="x">', "<style>x</style>"):
        assert inline(bad)
    assert not inline('<script src="x.js"></script><script type="application/json">{}</script>')


def assert_policy(client: Client, url: str) -> None:
    response = client.get(url)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert inline(response.content.decode()) == [], url


@pytest.mark.parametrize("name", sorted(name for name in TENANT if TENANT[name].method == "get"))
def test_pages_of_the_portal_need_no_inline_code(people: People, world: World, name: str) -> None:
    url = world.address(TENANT_ROUTES[name], "a")
    if people.client("alice").get(url)["Content-Type"].startswith("text/html"):
        assert_policy(people.client("alice"), url)


@pytest.mark.parametrize("url", ["/login/", "/password-reset/", "/password-reset/sent/", "/password-reset/done/"])
def test_pages_for_strangers_need_no_inline_code(people: People, url: str) -> None:
    assert_policy(Client(), url)


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label_lower)
def test_pages_of_the_admin_need_no_inline_code(people: People, world: World, model: type) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    client = people.client("alice")
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"  # type: ignore[attr-defined]
    for page in ("", "add/"):
        if client.get(base + page).status_code == 200:
            assert_policy(client, base + page)


def test_the_admin_itself_needs_no_inline_code(people: People) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    for url in ("/admin/", "/admin/organization/", "/account/", "/account/password/"):
        assert_policy(people.client("alice"), url)


def test_a_session_cookie_is_hidden_from_scripts_and_ends_with_the_browser(people: People) -> None:
    client = Client()
    client.post("/login/", {"username": "alice@example.com", "password": "correct horse battery staple"})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "")
