"""What pages of settlement ask for."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from flexmarket.board.forms import FIRST_YEAR, LAST_YEAR
from flexmarket.models import Dispute, Statement
from flexmarket.settlement.disputes import LONGEST_TEXT
from flexmarket.trading.forms import MarketForm


class MonthForm(MarketForm):
    """The month to draft."""

    month = forms.DateField(
        label=_("Month"),
        input_formats=["%Y-%m", "%Y-%m-%d"],
        widget=forms.DateInput({"type": "month"}, "%Y-%m"),
    )

    def clean_month(self) -> date:
        """Refuse years that no calendar of a market has."""
        month: date = self.cleaned_data["month"]
        if not FIRST_YEAR <= month.year <= LAST_YEAR:
            raise ValidationError(_("Choose a day between 1970 and 2199."))
        return month


class StatementFilter(MarketForm):
    """Which statements are shown."""

    contract_name = forms.CharField(required=False, max_length=200, label=_("Contract"))
    month = forms.DateField(
        required=False, label=_("Month"), input_formats=["%Y-%m"], widget=forms.DateInput({"type": "month"}, "%Y-%m")
    )
    state = forms.ChoiceField(required=False, label=_("State"), choices=[("", _("all")), *Statement.State.choices])

    def applied(self, rows: "QuerySet[Statement]") -> "QuerySet[Statement]":
        """Return the statements that the form asks for; what was not understood does not count."""
        asked: dict[str, Any] = self.cleaned_data if self.is_valid() else {}
        if name := asked.get("contract_name", "").replace("\0", ""):
            rows = rows.filter(contract_name__icontains=name)
        return rows.filter(**{name: asked[name] for name in ("month", "state") if asked.get(name)})


class DisputeFilter(MarketForm):
    """Which disputes are shown."""

    state = forms.ChoiceField(required=False, label=_("State"), choices=[("", _("all")), *Dispute.State.choices])

    def applied(self, rows: "QuerySet[Dispute]") -> "QuerySet[Dispute]":
        """Return the disputes that the form asks for."""
        asked = self.cleaned_data if self.is_valid() else {}
        return rows.filter(state=asked["state"]) if asked.get("state") else rows


class RaiseForm(MarketForm):
    """Why a line is disputed."""

    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 4}))


class AnswerForm(MarketForm):
    """How a dispute ends."""

    accepted = forms.TypedChoiceField(
        label=_("Answer"),
        coerce=lambda value: value == "yes",
        choices=[
            ("yes", _("Accept: the call is metered again, and the next draft corrects the statement")),
            ("no", _("Refuse")),
        ],
        widget=forms.RadioSelect({"class": "form-check-input"}),
    )
    answer = forms.CharField(label=_("Why"), max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 4}))
