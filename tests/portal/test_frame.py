"""What every page has: navigation, theme, language, icons, building blocks."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client
from django.urls import reverse

from assets.appearance import KIND_ICONS
from assets.models import KINDS
from flexplatform import icons
from flexplatform.registry import NAVIGATION_GROUPS, navigation
from tests.conftest import People

pytestmark = pytest.mark.one_database

CSS = (icons.SPRITE_FILE.parents[2] / "flexplatform" / "portal.css").read_text()


def render(template: str, **context: object) -> str:
    return Template("{% load portal device_kinds %}" + template).render(Context(context))


def test_an_icon_is_taken_from_the_sprite_and_named_only_where_it_stands_alone() -> None:
    assert 'icons.svg#battery-3"' in render('{% icon "battery-3" %}')
    assert 'aria-hidden="true"' in render('{% icon "battery-3" %}')
    assert 'aria-label="Close &quot;"' in render("{% icon 'x' label=text %}", text='Close "')
    with pytest.raises(TemplateSyntaxError, match="no icon 'unicorn'"):
        render('{% icon "unicorn" %}')


def test_a_sprite_is_made_of_the_wanted_outlines_only(tmp_path: Path) -> None:
    clear = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'
    (tmp_path / "dot.svg").write_text(f'<svg viewBox="0 0 24 24">{clear}<path d="M1 1" /></svg>')
    (tmp_path / "other.svg").write_text("<svg></svg>")
    made = icons.sprite(tmp_path, frozenset({"dot"}))
    assert '<symbol id="dot" viewBox="0 0 24 24"><path d="M1 1"/></symbol>' in made
    assert "other" not in made
    with pytest.raises(FileNotFoundError):
        icons.sprite(tmp_path, frozenset({"missing"}))


def test_every_device_kind_has_its_own_icon_and_colour() -> None:
    assert set(KIND_ICONS) == set(KINDS)
    assert len(set(KIND_ICONS.values())) == len(KINDS)
    for kind in KINDS:
        assert f".fp-kind-{kind} {{" in CSS
        assert f"--fp-kind-{kind}: #" in CSS
        assert str(KINDS[kind].LABEL) in render(f'{{% kind_label "{kind}" %}}')
    colours = re.findall(r"--fp-kind-\w+: (#\w+)", CSS.partition("[data-bs-theme=dark]")[0])
    assert len(set(colours)) == len(KINDS)


def test_building_blocks_escape_what_they_are_given() -> None:
    for block in (
        "{% page_header text %}<b>kept</b>{% endpage_header %}",
        "{% empty_state text %}<b>kept</b>{% endempty_state %}",
        "{% error_state text %}<b>kept</b>{% enderror_state %}",
        "{% tile text unit=text %}<b>kept</b>{% endtile %}",
        '{% breadcrumbs "/x/" text text %}<b>kept</b>',
    ):
        shown = render(block, text="<script>")
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
        assert "<b>kept</b>" in shown


def test_the_navigation_is_grouped_and_marks_the_page(people: People) -> None:
    page = people.client("alice").get(reverse("jobs", args=["a"])).content.decode()
    assert re.findall(r'aria-current="(\w+)"', page) == ["page"]
    assert '/o/a/jobs/" aria-current="page"' in page
    assert ">Organization</h2>" in page
    assert {entry.group for entry in navigation} <= set(NAVIGATION_GROUPS)
    assert {entry.icon for entry in navigation} <= icons.names()


def test_a_page_below_an_entry_marks_it_and_a_role_sees_its_own_links(people: People) -> None:
    page = people.client("alice").get(reverse("token_new", args=["a"])).content.decode()
    assert '/o/a/tokens/" aria-current="true"' in page
    assert reverse("members", args=["a"]) not in people.client("bob").get("/o/a/").content.decode()


@pytest.mark.parametrize(
    ("cookie", "theme", "choice"), [("", "light", "auto"), ("dark", "dark", "dark"), ("x'>", "light", "auto")]
)
def test_the_server_renders_the_theme_of_the_cookie(people: People, cookie: str, theme: str, choice: str) -> None:
    client = people.client("alice")
    client.cookies["theme"] = cookie
    page = client.get("/o/a/").content.decode()
    assert f'data-bs-theme="{theme}" data-theme-choice="{choice}"' in page


def test_the_language_is_chosen_once_and_kept(people: People) -> None:
    client = people.client("alice")
    answer = client.post(reverse("set_language"), {"language": "de", "next": "/o/a/jobs/"})
    assert answer["Location"] == "/o/a/jobs/"
    page = client.get("/o/a/jobs/").content.decode()
    assert '<html lang="de"' in page
    assert client.get(reverse("set_language"), {"next": "https://elsewhere.example/"})["Location"] == "/"


def test_the_browser_says_the_language_and_the_api_speaks_english(people: People) -> None:
    german = {"Accept-Language": "de"}
    assert '<html lang="de"' in Client().get("/login/", headers=german).content.decode()
    answer = Client().get("/api/v1/sites/", headers=german)
    assert answer["Content-Language"] == "en"


def test_date_fields_keep_the_form_that_browsers_read(people: People) -> None:
    client = people.client("alice")
    client.cookies["django_language"] = "de"
    page = client.post(reverse("token_new", args=["a"]), {"name": "x", "expires_at": "2030-01-31"}).content.decode()
    assert 'value="2030-01-31"' in page


def test_what_cannot_be_undone_asks_first(people: People) -> None:
    client = people.client("alice")
    page = client.get(reverse("members", args=["a"])).content.decode()
    for name in ("deactivate", "remove"):
        forms = re.findall(rf"<form[^>]*/{name}/[^>]*>", page)
        assert len(forms) == 2
        assert all("data-confirm=" in form for form in forms)
    assert 'id="confirm"' in page
