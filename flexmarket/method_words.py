"""What the methods of quantification are called, and what tells one from the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flexmarket.engine.methods import DEFAULT_METHOD, METHODS


@dataclass(frozen=True)
class MethodWords:
    """The name of a method, and one line about it."""

    label: str | Promise
    line: str | Promise


METHOD_WORDS: Mapping[str, MethodWords] = {
    "opentumflex": MethodWords(
        "OpenTUMFlex",
        _("Rules of thumb for each device, made with every plan; a part of these offers cannot be kept when called."),
    ),
    "exact": MethodWords(
        _("Exact"),
        _("The site's own model: every offer can be kept, its price holds what follows; made on request, in seconds."),
    ),
}
METHOD_CHOICES = [(name, METHOD_WORDS[name].label) for name in sorted(METHODS, key=lambda each: each != DEFAULT_METHOD)]
