"""What the lab asks for: a scenario to begin with, and numbers to change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.queries import device_label
from flexmarket.lab.inputs import problem_of
from flexmarket.lab.labels import GROUP_LABELS, label_of, unit_of
from flexmarket.lab.numbers import Change, Changes, Number, numbers_of
from flexmarket.method_words import METHOD_CHOICES, METHOD_WORDS
from flexmarket.models import Scenario
from flexmarket.queries import DEFAULT_METHOD
from optimization.engine import ProblemError
from optimization.forms import SolverForm
from optimization.scenarios import MAX_BYTES, SCENARIOS

STEPS = (5, 10, 15, 30, 60)
LOCAL_MINUTE = "%Y-%m-%dT%H:%M"
LARGEST_FILE = f"{MAX_BYTES / 1e6:g} MB"


class ScenarioForm(forms.Form):
    """A file or a named scenario, and the day to plan."""

    file = forms.FileField(
        required=False, label=gettext_lazy("File"), widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"})
    )
    template = forms.ChoiceField(required=False, label=gettext_lazy("Or a named scenario"))
    name = forms.CharField(required=False, max_length=100, label=gettext_lazy("Name"))
    day = forms.DateField(
        label=gettext_lazy("Local day"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    step_minutes = forms.TypedChoiceField(
        label=gettext_lazy("Step"),
        coerce=int,
        choices=[(each, f"{each} min") for each in STEPS],
        initial=15,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        none = ("", _("– a file –"))
        template = cast("forms.ChoiceField", self.fields["template"])
        template.choices = [none, *((name, each.title) for name, each in SCENARIOS.items())]
        self.fields["day"].initial = timezone.localdate() + timedelta(days=1)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field.widget, forms.Select) else "form-control"

    def clean(self) -> dict[str, Any]:
        """Take either a file of a bearable size or a named scenario, and give it a name."""
        found = super().clean() or self.cleaned_data
        file, template = found.get("file"), str(found.get("template") or "")
        if file is None and not template and "file" not in self.errors and "template" not in self.errors:
            self.add_error("file", _("Choose a file or a named scenario."))
        if file is not None and template:
            self.add_error("template", _("Choose either a file or a named scenario, not both."))
        if file is not None and file.size > MAX_BYTES:
            self.add_error("file", _("The file is larger than %(most)s.") % {"most": LARGEST_FILE})
        if not found.get("name"):
            found["name"] = SCENARIOS[template].title if template in SCENARIOS else getattr(file, "name", "")[:100]
        return found


@dataclass(frozen=True)
class Group:
    """The fields of one device, or of the prices, the limits and so on."""

    name: str
    label: str
    kind: str
    fields: list[tuple[forms.BoundField, str, bool]]

    @property
    def is_changed(self) -> bool:
        """Whether a number of it differs from the input."""
        return any(changed for _field, _unit, changed in self.fields)

    @property
    def is_open(self) -> bool:
        """Whether there is something to see: a change or an error."""
        return self.is_changed or any(field.errors for field, _unit, _changed in self.fields)


class WhatIfForm(SolverForm):
    """Every number of a scenario; `changes` are those that differ from its input."""

    label = forms.CharField(required=False, max_length=100, label=gettext_lazy("Name of this run"))
    method = forms.ChoiceField(
        label=gettext_lazy("Method of the offers"), choices=METHOD_CHOICES, initial=DEFAULT_METHOD
    )
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def __init__(self, scenario: Scenario, *args: Any, changes: Changes | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenario = scenario
        problem = problem_of(scenario)
        self.kinds = {device.name: device.kind for device in problem.devices}
        self.numbers = {number.name: number for number in numbers_of(problem)}
        self.given = dict(changes or {})
        for number in self.numbers.values():
            field = _field(number)
            shown: Any = self.given.get(number.name, number.value)
            if isinstance(number.value, datetime) and isinstance(shown, str):
                shown = datetime.fromisoformat(shown)
            field.initial = shown
            field.widget.attrs["class"] = (
                "form-check-input" if isinstance(field, forms.BooleanField) else "form-control"
            )
            self.fields[number.name] = field

    def groups(self) -> Iterator[Group]:
        """Yield the fields by device, then those of prices, emissions, limits and goal."""
        by_owner: dict[str, list[Number]] = {}
        for number in self.numbers.values():
            by_owner.setdefault(number.owner, []).append(number)
        changed = self.changes if self.is_bound and self.is_valid() else self.given
        for owner, numbers in by_owner.items():
            label = GROUP_LABELS[owner] if owner in GROUP_LABELS else device_label(owner, self.kinds)
            fields = [(self[number.name], unit_of(number), number.name in changed) for number in numbers]
            yield Group(owner, str(label), self.kinds.get(owner, ""), fields)

    @property
    def method_lines(self) -> list[tuple[str, str]]:
        """What tells the methods of the offers apart: name and line of each."""
        return [(str(words.label), str(words.line)) for words in METHOD_WORDS.values()]

    @property
    def changes(self) -> dict[str, Change]:
        """The numbers that differ from the input, as they are stored."""
        found: dict[str, Change] = {}
        for name, number in self.numbers.items():
            value = self.cleaned_data.get(name)
            if isinstance(number.value, datetime) and isinstance(value, datetime):
                if value != number.value.replace(second=0, microsecond=0):
                    found[name] = value.astimezone(UTC).isoformat()
            elif value != number.value:
                found[name] = value
        return found

    def with_key(self, key: str) -> None:
        """Give the form that is shown again a new key."""
        self.data = {**self.data, "key": key}

    def add_problem(self, error: ProblemError) -> None:
        """Show an error of the engine at its field, or above the form where it has none."""
        name = error.field if error.field in self.fields else f"scale:{error.field}"
        message = _("%(value)s is not possible; allowed: %(allowed)s.") % {
            "value": error.value,
            "allowed": error.allowed,
        }
        self.add_error(name if name in self.fields else None, message if name in self.fields else str(error))


class LocalTimeField(forms.DateTimeField):
    """A time of the scenario's local clock."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, LOCAL_MINUTE)
        super().__init__(input_formats=[LOCAL_MINUTE, f"{LOCAL_MINUTE}:%S"], widget=widget, **kwargs)


def _field(number: Number) -> forms.Field:
    label = label_of(number)
    if isinstance(number.value, bool):
        return forms.BooleanField(required=False, label=label)
    if isinstance(number.value, datetime):
        return LocalTimeField(label=label)
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    return forms.FloatField(required=not number.may_be_empty, label=label, widget=widget)
