"""Finds one page of every address of the portal by following links, as a person does."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from tests.e2e.portal import Portal
from tests.tenancy.addresses import PLATFORM, TENANT, TENANT_ROUTES

# Parts of pages that htmx and the map ask for.
FRAGMENTS = {"site_map", "map_site", "site_live", "running_jobs", "site_baselines"}
# Pages about rows that nobody has made in a new demo: a call takes a quarter-hour, a statement a month.
OF_CALLS = ("<int:offer>", "<int:order>", "<int:statement>", "<int:line>", "<int:dispute>")
# Who is signed in finds no link to these.
WITHOUT_LINK = ("password_reset", "password_reset_done", "password_reset_complete")
# Links, and what forms that only look something up lead to with what they say already.
LINKS = """() => [
    ...[...document.querySelectorAll("a[href]:not([download])")].map((link) => link.href),
    ...[...document.querySelectorAll("form[method=get][action]")].map(
        (form) => `${form.action}?${new URLSearchParams(new FormData(form))}`),
]"""


def page_names() -> set[str]:
    """Return the names of all addresses that are pages: of an organization, and of the platform for its members."""
    looked_at = {name for name, rule in TENANT.items() if rule.method == "get" and rule.ok == 200}
    others = {name for name in looked_at if "." in TENANT_ROUTES[name]}
    others |= {name for name in looked_at if any(part in TENANT_ROUTES[name] for part in OF_CALLS)}
    platform = {name for name, (_stranger, member) in PLATFORM.items() if member == 200} - {"healthz", "favicon"}
    return (looked_at - others - FRAGMENTS) | platform - {"password_reset_confirm"}


def walk(page: Page, portal: Portal, starts: list[str]) -> Iterator[str]:
    """Go to one page of every address that links lead to, and yield the address's name while the page is there."""
    waiting, seen = [portal(path) for path in starts], set[str]()
    while waiting:
        url = waiting.pop(0)
        if name_of(url) in seen:
            continue
        page.goto(url)
        name = name_of(page.url)
        if name in seen or name not in page_names():
            continue
        seen |= {name, name_of(url)}
        if page.locator("[data-charts], [data-map]").count():
            page.wait_for_load_state("networkidle")
        yield name
        found: list[str] = page.evaluate(LINKS)
        waiting += [link for link in found if is_page(portal, link)]


def is_page(portal: Portal, link: str) -> bool:
    """Return whether a link leads to a page of the portal; choosing two runs leads to their comparison."""
    return link.startswith(portal.address) and (name_of(link) in page_names() or name_of(link).endswith("_choose"))


def name_of(url: str) -> str:
    """Return the name of an address, empty for those of others such as the administration."""
    try:
        found: Any = resolve(urlsplit(url).path)
    except Resolver404:
        return ""
    return "" if found.namespaces else found.url_name or ""
