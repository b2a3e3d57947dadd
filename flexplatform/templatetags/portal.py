"""The portal's building blocks in templates: `{% load portal %}`; docs/portal.md shows each."""

from typing import Any

from django import template
from django.template import Context, TemplateSyntaxError
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flexplatform import icons

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of the sprite; `label` where no text beside it says the same.

    Raises:
        TemplateSyntaxError: the sprite has no icon of this name.
    """
    if name not in icons.names():
        raise TemplateSyntaxError(f"The sprite has no icon {name!r}; `manage.py make_icons` adds one.")
    use = format_html('<use href="{}#{}"></use>', static(icons.SPRITE), name)
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="icon" aria-hidden="true">{}</svg>', use)


@register.inclusion_tag("portal/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: Context, *parts: str) -> dict[str, Any]:
    """Show the way to a page: pairs of address (a path, or the name of a page of the organization) and label.

    `{% breadcrumbs "jobs" _("Jobs") job.title %}`: the last part is the page itself.
    """
    pairs = zip(parts[:-1:2], parts[1:-1:2], strict=True)
    return {"links": [(_address(context, where), label) for where, label in pairs], "current": parts[-1]}


def _address(context: Context, where: str) -> str:
    return where if where.startswith("/") else reverse(where, args=[context["organization"].slug])


@register.simple_block_tag
def page_header(content: str, title: str, lead: str = "") -> SafeString:
    """Show the title of a page with a line below it; what the block holds are the page's actions."""
    return _block("portal/page_header.html", content, title=title, lead=lead)


@register.simple_block_tag
def empty_state(content: str, title: str, symbol: str = "circle-dashed", heading: str = "p") -> SafeString:
    """Show that there is nothing, and in the block why and what to do; `heading` is the element of the title."""
    return _block("portal/empty_state.html", content, title=title, symbol=symbol, heading=heading)


@register.simple_block_tag
def error_state(content: str, title: str) -> SafeString:
    """Show what failed, and in the block why and what to do."""
    return _block("portal/error_state.html", content, title=title)


@register.simple_block_tag
def tile(content: str, title: str, symbol: str = "", unit: str = "", hint: str = "") -> SafeString:
    """Show one figure (the block) with its name, its unit and a line below it."""
    return _block("portal/tile.html", content, title=title, symbol=symbol, unit=unit, hint=hint)


def _block(name: str, content: str, **context: Any) -> SafeString:
    return SafeString(render_to_string(name, {"content": SafeString(content.strip()), **context}))
