"""The commands and answers of a page: what `curl` would do, done with the standard library."""

import json
import re
import shlex
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from zipfile import ZipFile

ANY = "…"
# Ids of a fresh database; what they are elsewhere is for the database to say.
IDS = frozenset({"id", "site", "portfolio", "series", "tariff", "run", "price_series"})
EXPORT = re.compile(r"export (\w+)=\S+  # (\S+)")
FILE = re.compile(r"cat > (\S+) <<EOF\n(.*?)EOF\n", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """Commands of the page, and the answer that stands below them."""

    commands: str
    kind: str
    answer: str


@dataclass
class Shell:
    """What a shell would know: variables, files, and the last answer."""

    folder: Path
    variables: dict[str, str]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def run(self, commands: str) -> None:
        """Run each command of a block."""
        for name, content in FILE.findall(commands):
            (self.folder / name).write_text(content)
        for command in re.split(r"\n(?=curl|export|unzip)", FILE.sub("", commands).strip()):
            self._run_one(command)

    @property
    def json(self) -> Any:
        """The last answer."""
        return json.loads(self.body)

    def _run_one(self, command: str) -> None:
        if found := EXPORT.fullmatch(command):
            self.variables[found[1]] = str(self._found(found[2]))
        elif command.startswith("curl"):
            self._curl([_expanded(word, self.variables) for word in shlex.split(command.replace("\\\n", " "))])
        elif command.startswith("unzip -l "):
            with ZipFile(BytesIO((self.folder / command.split()[-1]).read_bytes())) as archive:
                self.body = "\n".join(sorted(archive.namelist())).encode()
        else:
            name = command.removeprefix("export ").partition("=")[0]
            assert name in self.variables, f"{command} is no command that this test knows"

    def _found(self, path: str) -> Any:
        if path in self.headers:
            return self.headers[path]
        value = self.json
        for name in path.split("."):
            value = value[int(name)] if isinstance(value, list) else value[name]
        return value

    def _curl(self, words: list[str]) -> None:
        url, method, output, data = "", "", "", None
        headers: dict[str, str] = {}
        rest = iter(words[1:])
        for word in rest:
            if word == "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            elif word == "-X":
                method = next(rest)
            elif word == "-o":
                output = next(rest)
            elif word == "--json":
                data = next(rest).encode()
                headers |= {"Content-Type": "application/json", "Accept": "application/json"}
            elif word == "--data-binary":
                data = (self.folder / next(rest).removeprefix("@")).read_bytes()
            elif word != "-i":
                assert not word.startswith("-"), f"{word} is no option that this test knows"
                url = word
        request = Request(url, data, headers, method=method or ("GET" if data is None else "POST"))  # noqa: S310
        try:
            answer = urlopen(request, timeout=60)  # noqa: S310
        except HTTPError as error:
            answer = error
        self.status, self.headers, self.body = answer.status, dict(answer.headers.items()), answer.read()
        if output:
            (self.folder / output).write_bytes(self.body)


def steps(page: str) -> list[Step]:
    """Return the commands of a page in their order, each with its answer."""
    found = re.findall(r"```sh\n(.*?)```\n```(\w+)\n(.*?)```\n", page, re.DOTALL)
    assert len(found) == page.count("```sh\n"), "a block of commands has no answer below it"
    return [Step(*each) for each in found]


def difference(shown: Any, real: Any, where: str = "answer") -> str | None:
    """Return where a shown value is not the real one; None where they agree."""
    if shown == ANY:
        return None
    if where.rpartition(".")[2] in IDS and type(shown) is int:
        return None if type(real) is int else f"{where}: {real!r}"
    if isinstance(shown, dict) and isinstance(real, dict):
        return _of_objects(shown, real, where)
    if isinstance(shown, list) and isinstance(real, list):
        return _of_lists(shown, real, where)
    if isinstance(shown, float) and isinstance(real, float):
        return None if abs(shown - real) < 1e-6 else f"{where}: {real!r}"
    return None if shown == real and type(shown) is type(real) else f"{where}: {real!r}"


def _of_objects(shown: dict[str, Any], real: dict[str, Any], where: str) -> str | None:
    names = set(shown) - {ANY}
    odd = names - set(real) if ANY in shown else names ^ set(real)
    if odd:
        return f"{where}: {sorted(odd)}"
    return _first(difference(shown[name], real[name], f"{where}.{name}") for name in sorted(names))


def _of_lists(shown: list[Any], real: list[Any], where: str) -> str | None:
    more = shown[-1:] == [ANY]
    fixed = shown[:-1] if more else shown
    if len(real) < len(shown) or (len(real) > len(fixed) and not more):
        return f"{where}: {len(real)} entries"
    pairs = zip(fixed, real, strict=False)
    return _first(difference(each, other, f"{where}[{index}]") for index, (each, other) in enumerate(pairs))


def _first(found: Any) -> str | None:
    return next((each for each in found if each), None)


def _expanded(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: variables[match[1] or match[2]], text)
