"""Device kinds in templates: `{% kind_icon kind %}`, `{% kind_label kind %}`."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from assets.appearance import icon_of_kind
from assets.models import KINDS
from flexplatform.templatetags.portal import icon

register = template.Library()


@register.simple_tag
def kind_icon(kind: str, label: str = "") -> SafeString:
    """Return the icon of a device kind in its colour; `label` for readers where no text stands beside it."""
    return format_html('<span class="fp-kind fp-kind-{}">{}</span>', kind, icon(icon_of_kind(kind), label=label))


@register.simple_tag
def kind_label(kind: str) -> SafeString:
    """Return the icon and the name of a device kind."""
    known = KINDS.get(kind)
    return format_html("{}{}", kind_icon(kind), known.LABEL if known else kind)
