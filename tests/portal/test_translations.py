"""Every text of the interface has its German."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "flexplatform" / "locale" / "de" / "LC_MESSAGES" / "django.po"
APPS = ("assets", "flexmarket", "flexplatform", "forecasting", "optimization", "telemetry")
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


def of_python(source: str) -> Iterator[str]:
    """Yield the texts that Python code marks for translation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS and node.args:
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def of_template(source: str) -> Iterator[str]:
    """Yield the texts that a template marks for translation, as Django's own extraction sees them."""
    for match in re.finditer(r"n?gettext\((u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))", templatize(source)):
        yield ast.literal_eval(match[1])
    yield from (match[2] for match in re.finditer(r"""_\((["'])(.*?)\1\)""", source))


def texts() -> Iterator[tuple[str, str]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            yield from ((path.name, text) for text in of_python(path.read_text()))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "admin" not in path.relative_to(ROOT / "templates").parts:
            yield from ((path.name, text) for text in of_template(path.read_text()))


def test_every_text_has_its_german() -> None:
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE)).translated_entries()}
    found = list(texts())
    assert len(found) > 500
    assert sorted({(text, where) for where, text in found if text not in known}) == []


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    entries = polib.pofile(str(CATALOGUE)).translated_entries()
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries:
        if entry.msgid_plural:
            told = [compiled.ngettext(entry.msgid, entry.msgid_plural, number) for number in (1, 2)]
            assert told == [entry.msgstr_plural[0], entry.msgstr_plural[1]]
        else:
            assert compiled.gettext(entry.msgid) == entry.msgstr


def test_translations_name_the_same_placeholders() -> None:
    for entry in polib.pofile(str(CATALOGUE)).translated_entries():
        if entry.msgid_plural:
            pairs = [(entry.msgid, entry.msgstr_plural[0]), (entry.msgid_plural, entry.msgstr_plural[1])]
        else:
            pairs = [(entry.msgid, entry.msgstr)]
        for text, german in pairs:
            assert set(PLACEHOLDER.findall(german)) == set(PLACEHOLDER.findall(text)), text


@pytest.mark.django_db
def test_a_german_browser_gets_german_and_an_english_one_english() -> None:
    german = Client(headers={"Accept-Language": "de-DE,de"}).get("/login/").content.decode()
    english = Client(headers={"Accept-Language": "en"}).get("/login/").content.decode()
    assert '<html lang="de"' in german
    assert "Anmelden" in german
    assert "Sign in" in english
