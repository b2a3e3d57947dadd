"""What docs/deployment.md says of docker-compose.yml and the Dockerfile, read from the files themselves."""

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from flexplatform.env import BASE_DIR
from tests.deploy.compose import FILE, compose, ends_by_itself, grace_seconds, mounted, secret_files, services

DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()
OWN = ["flexplatform", "assets", "telemetry", "forecasting", "optimization", "flexmarket"]
PROGRAMS = {"postgres", "valkey", "migrate", "access", "mosquitto", "web", "worker", "beat", "bridge"}
# What may be reached from outside of the machine, or from the machine itself.
PUBLISHED = {"mosquitto": ["8883:8883"], "web": ["127.0.0.1:8000:8000"]}
LOCKED_TAG = re.compile(r"^[\w./-]+:\d[\w.-]*$")

READS = re.compile(r"(env\.\w+|secret|os\.environ\.get)\(")

each_service = pytest.mark.parametrize("name", sorted(services()))


def test_the_services_are_those_of_the_documentation() -> None:
    assert set(services()) == PROGRAMS


@each_service
def test_no_service_runs_as_root_or_may_become_it(name: str) -> None:
    service = services()[name]
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@each_service
def test_no_service_writes_into_its_image(name: str) -> None:
    assert services()[name]["read_only"] is True


@each_service
def test_every_service_has_limits(name: str) -> None:
    limits = services()[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert limits["pids"] > 0


@each_service
def test_every_service_that_stays_is_watched_and_started_again(name: str) -> None:
    service = services()[name]
    if ends_by_itself(service):
        waiting = [each for each in services().values() if name in each.get("depends_on", {})]
        assert waiting
        assert all(each["depends_on"][name]["condition"] == "service_completed_successfully" for each in waiting)
        return
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    assert grace_seconds(service) >= 10


@each_service
def test_a_service_waits_for_what_it_needs(name: str) -> None:
    for needed, how in services()[name].get("depends_on", {}).items():
        once = ends_by_itself(services()[needed])
        assert how["condition"] == ("service_completed_successfully" if once else "service_healthy")
    assert name not in set(needs(name))


def needs(name: str) -> Iterator[str]:
    for needed in services()[name].get("depends_on", {}):
        yield needed
        yield from needs(needed)


@pytest.mark.parametrize("name", ["web", "worker", "beat", "bridge"])
def test_nothing_starts_before_the_database_is_migrated(name: str) -> None:
    assert {"migrate", "postgres"} <= set(needs(name))


@each_service
def test_only_the_broker_and_the_loopback_of_the_portal_are_published(name: str) -> None:
    assert services()[name].get("ports", []) == PUBLISHED.get(name, [])
    if name in {"postgres", "valkey"}:
        assert services()[name]["networks"] == ["inside"]
    assert compose()["networks"]["inside"] == {"internal": True}


@each_service
def test_images_are_of_a_version(name: str) -> None:
    assert LOCKED_TAG.match(services()[name]["image"])


def test_what_the_image_is_called_is_the_version_of_the_platform() -> None:
    version = re.search(r'^version = "(.+)"$', (BASE_DIR / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert services()["web"]["image"] == f"flexplatform:{version[1]}"


@each_service
def test_secrets_come_from_files_and_from_nowhere_else(name: str) -> None:
    service = services()[name]
    seen = mounted(service)
    for variable, value in service.get("environment", {}).items():
        if variable.endswith("_FILE"):
            assert value in seen, variable
        else:
            assert not re.search(r"SECRET|PASSWORD|TOKEN|PEPPER|_URL$", variable), variable
    assert set(seen.values()) <= set(secret_files())
    assert not re.search(r"://[^ ]*:[^ ]*@|requirepass", FILE.read_text())


def variables_of_the_code() -> set[str]:
    """Return the names of the environment that settings and gunicorn's settings read."""
    files = ["flexplatform/settings.py", "flexplatform/env.py", "flexplatform/operations/gunicorn.py"]
    names = set()
    for file in files:
        for node in ast.walk(ast.parse((BASE_DIR / file).read_text())):
            if isinstance(node, ast.Call) and READS.match(ast.unparse(node)) and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    return names


@pytest.mark.parametrize("name", ["migrate", "access", "web", "worker", "beat", "bridge"])
def test_the_code_reads_every_variable_that_is_set(name: str) -> None:
    asked = {variable.removesuffix("_FILE") for variable in services()[name]["environment"]}
    assert asked <= variables_of_the_code()
    assert services()[name]["environment"]["ENVIRONMENT"] == "production"


def test_make_secrets_makes_every_secret_once(tmp_path: Path) -> None:
    command = [str(BASE_DIR / "deploy/make-secrets.sh"), str(tmp_path), "broker.example.org"]
    subprocess.run(command, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {path.name for path in secret_files().values()} <= set(first)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    for path in secret_files().values():
        assert (tmp_path / path.name).stat().st_mode & 0o777 == 0o444
    assert (tmp_path / "authority.key").stat().st_mode & 0o077 == 0
    random = [first[name] for name in ("secret_key", "api_token_pepper", "provider_key_secrets", "metrics_token")]
    assert len(set(random)) == len(random)
    assert min(map(len, random)) >= 64
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first
    checked = ["openssl", "verify", "-verify_hostname", "broker.example.org", "-CAfile", "broker_authority"]
    subprocess.run([*checked, "broker_certificate"], check=True, capture_output=True, cwd=tmp_path)


def test_the_secrets_are_no_part_of_repository_and_image() -> None:
    folder = {str(path.relative_to(BASE_DIR).parent) for path in secret_files().values()}
    assert folder == {"deploy/secrets"}
    assert "/deploy/secrets/" in (BASE_DIR / ".gitignore").read_text().splitlines()
    kept = (BASE_DIR / ".dockerignore").read_text().splitlines()
    assert kept[0] == "*"
    assert not [line for line in kept if line.startswith("!deploy") and line != "!deploy/mosquitto"]


def test_the_image_has_the_code_and_nothing_else() -> None:
    kept = {line[1:] for line in (BASE_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {*OWN, "templates", "manage.py", "uv.lock", "pyproject.toml"} <= kept
    assert all((BASE_DIR / name).exists() for name in kept)
    assert kept.isdisjoint({"tests", "var", ".git", "docs"})


def test_the_image_is_built_from_the_lock_for_an_ordinary_user() -> None:
    steps = [
        line.split(maxsplit=1) for line in DOCKERFILE.replace("\\\n", "").splitlines() if line and line[0].isupper()
    ]
    assert ["RUN", "uv sync --locked --no-dev --no-cache"] in steps
    users = [rest for word, rest in steps if word == "USER"]
    assert users == ["10001:10001"]
    assert users == [services()["web"]["user"]]
    assert all(LOCKED_TAG.match(rest.split()[0]) for word, rest in steps if word == "FROM")
    (command,) = [yaml.safe_load(rest) for word, rest in steps if word == "CMD"]
    assert command == services()["web"]["command"]
    assert "curl" not in DOCKERFILE


def test_folders_of_new_volumes_belong_to_those_who_write_there() -> None:
    for folder, name in (("/var/lib/flexplatform", "web"), ("/mosquitto/access", "bridge")):
        user, group = services()[name]["user"].split(":")
        made = re.search(rf"install -d -o {user} -g {group} (-m 0700 )?{folder}\b", DOCKERFILE)
        assert made, folder
        assert [each for each in services()[name]["volumes"] if each.endswith(f":{folder}")]
    assert services()["mosquitto"]["user"] == services()["bridge"]["user"] == services()["access"]["user"]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def locked_without_dev() -> set[str]:
    done = subprocess.run(
        ["uv", "export", "--frozen", "--no-dev", "--no-hashes", "--no-header", "--no-annotate", "--offline"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return {re.split(r"[ =;\[]", line)[0].lower() for line in done.stdout.splitlines() if line and line[0].isalnum()}


def test_the_image_has_every_package_that_the_code_imports() -> None:
    known, locked = packages_distributions(), locked_without_dev()
    missing: dict[str, Any] = {}
    for app in OWN:
        for file in (BASE_DIR / app).rglob("*.py"):
            for name in set(imported(file)) & set(known):
                if not {each.lower().replace("_", "-") for each in known[name]} & locked:
                    missing.setdefault(name, str(file))
    assert missing == {}


def test_the_documentation_names_every_variable_that_the_code_reads() -> None:
    page = (BASE_DIR / "docs/deployment.md").read_text()
    table = page.partition("\n## Settings\n")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in re.findall(r"`([A-Z_]+\*?)`", cell)}
    read = variables_of_the_code()
    groups = tuple(name.removesuffix("*") for name in named if name.endswith("*"))
    left = {name for name in read - named if not name.startswith(groups)}
    assert left == {"DEBUG"}
    ours = {"WORKER_PROCESSES"}
    assert {name for name in named - read - ours if not name.endswith("*")} == set()


def test_every_service_is_described() -> None:
    page = (BASE_DIR / "docs/deployment.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*?\| (\d+) \|", page, re.MULTILINE))
    assert rows == {name: service["user"].partition(":")[0] for name, service in services().items()}
