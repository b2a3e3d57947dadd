"""Pages of disputes: the list, raising one on a line, answering."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexmarket.engine.baselines import BaselineError
from flexmarket.engine.market.states import StateError
from flexmarket.models import Dispute, StatementLine
from flexmarket.settlement.disputes import answer_dispute, raise_dispute
from flexmarket.settlement.forms import AnswerForm, DisputeFilter, RaiseForm
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin


class DisputeList(OrganizationMixin, ListView):
    """Disputes, newest first."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/disputes.html"
    context_object_name = "disputes"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Dispute]:
        """Return what the filter asks for."""
        self.form = DisputeFilter(self.request.GET)
        rows = Dispute.objects.filter(organization=self.organization)
        return self.form.applied(rows).select_related("line__statement")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the disputes."""
        may_answer = self.tenant_request.membership.may(permissions.CLOSE_SETTLEMENT)
        filtered = bool(self.request.GET.get("state"))
        shown = {"form": self.form, "filtered": filtered, "may_answer": may_answer}
        return super().get_context_data(**{**kwargs, **shown})


class RaiseDispute(OrganizationMixin, TemplateView):
    """Disputes a line of a closed statement."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/dispute_raise.html"

    def line(self) -> StatementLine:
        """Return the line; one of another organization does not exist here."""
        rows = StatementLine.objects.filter(statement__organization=self.organization)
        return get_object_or_404(rows.select_related("statement", "delivery__order__offer"), pk=self.kwargs["line"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the line and the form."""
        line = kwargs.pop("line_row", None) or self.line()
        return super().get_context_data(**{"form": RaiseForm(), **kwargs, "line": line})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Raise it, or show what is wrong."""
        line = self.line()
        form = RaiseForm(request.POST)
        if form.is_valid():
            try:
                raise_dispute(line=line, reason=form.cleaned_data["reason"])
            except ValidationError as error:
                form.take(error)
            except StateError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("Line %(order)s is disputed.") % {"order": line.order})
                return redirect("disputes", self.organization.slug)
        return self.render_to_response(self.get_context_data(line_row=line, form=form), status=422)


class AnswerDispute(OrganizationMixin, TemplateView):
    """Shows a dispute, and takes the answer."""

    permission = permissions.CLOSE_SETTLEMENT
    template_name = "flexmarket/dispute_answer.html"

    def dispute(self) -> Dispute:
        """Return the dispute; one of another organization does not exist here."""
        rows = Dispute.objects.filter(organization=self.organization).select_related("line__statement")
        return get_object_or_404(rows, pk=self.kwargs["dispute"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the dispute and the form."""
        dispute = kwargs.pop("dispute_row", None) or self.dispute()
        return super().get_context_data(**{"form": AnswerForm(), **kwargs, "dispute": dispute})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """End it, or show what is wrong."""
        dispute = self.dispute()
        form = AnswerForm(request.POST)
        if form.is_valid():
            try:
                answer_dispute(dispute=dispute, **form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            except (BaselineError, StateError) as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("The dispute was answered."))
                return redirect("disputes", self.organization.slug)
        return self.render_to_response(self.get_context_data(dispute_row=dispute, form=form), status=422)
