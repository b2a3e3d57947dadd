"""What axe-core finds wrong with a page."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
BAD = {"serious", "critical"}
RUN = "(rules) => axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})})"


def violations(page: Page, *rules: str) -> list[str]:
    """Return what is serious or critical, in words, by all rules or only some."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(RUN, list(rules) or None)
    return [
        f"{page.url} {each['impact']} {each['id']}: {' '.join(map(str, node['target']))} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in BAD
        for node in each["nodes"][:3]
    ]
