"""Device kinds in templates: `{% kind_icon kind %}`, `{% kind_label kind %}`."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from assets.appearance import icon_of_kind
from assets.models import KINDS
from flexplatform.templatetags.portal import icon

register = template.Library()


@register.filter
def name_of_kind(kind: str) -> str:
    """Return what people call a device kind; its own name where it is not known."""
    known = KINDS.get(kind)
    return str(known.LABEL) if known else kind


@register.simple_tag
def kind_icon(kind: str, label: str = "") -> SafeString:
    """Return the icon of a device kind in its colour; `label` for readers where no text stands beside it."""
    drawn = icon(icon_of_kind(kind), label=label)
    return format_html('<span class="fp-kind fp-kind-{}" title="{}">{}</span>', kind, label, drawn)


@register.simple_tag
def kind_label(kind: str) -> SafeString:
    """Return the icon and the name of a device kind."""
    return format_html("{}{}", kind_icon(kind), name_of_kind(kind))
