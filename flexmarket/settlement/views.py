"""Pages of settlement: statements, their lines and files, figures, and the accuracy of baselines."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import ListView, TemplateView

from assets.models import Site
from flexmarket.models import Dispute, MarketProduct, Statement, StatementLine
from flexmarket.settlement.accuracy import DAYS, HOURS, accuracy_of
from flexmarket.settlement.exports import FORMATS, SUMMED, export_statement
from flexmarket.settlement.forms import MonthForm, StatementFilter
from flexmarket.settlement.kpis import RELIABILITY_DAYS, SHARE_DAYS, kpis_of
from flexmarket.settlement.statements import close_statement, draft_statements
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin

LINES_PER_PAGE = 100
GROUPS = {
    "site": gettext_lazy("Site"),
    "asset": gettext_lazy("Device"),
    "portfolio": gettext_lazy("Portfolio"),
    "product": gettext_lazy("Product"),
}


class StatementList(OrganizationMixin, ListView):
    """Statements month by month, the newest first."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/statements.html"
    context_object_name = "statements"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Statement]:
        """Return what the filter asks for, with the number of lines and of gaps."""
        self.form = StatementFilter(self.request.GET)
        rows = self.form.applied(Statement.objects.filter(organization=self.organization))
        counted = rows.annotate(line_count=Count("lines"), gaps=Sum("lines__unmeasured_steps"))
        return counted.order_by("-month", "contract_name", "-version")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the statements and the form that drafts a month."""
        last_month = timezone.localdate().replace(day=1)
        shown = {
            "form": self.form,
            "filtered": any(self.request.GET.get(name) for name in self.form.fields),
            "month_form": MonthForm(initial={"month": last_month}, auto_id="draft_%s"),
            "may_close": self.tenant_request.membership.may(permissions.CLOSE_SETTLEMENT),
        }
        return super().get_context_data(**{**kwargs, **shown})


class DraftStatements(OrganizationMixin):
    """Drafts the statements of a month from the deliveries as they are now."""

    permission = permissions.CLOSE_SETTLEMENT
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Draft them, then show the list."""
        form = MonthForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(map(str, form.errors["month"])))
            return redirect("statements", self.organization.slug)
        made = draft_statements(organization=self.organization, month=form.cleaned_data["month"])
        if made:
            said = ngettext(
                "%(count)d statement of the month is up to date.",
                "%(count)d statements of the month are up to date.",
                len(made),
            )
            messages.success(request, said % {"count": len(made)})
        else:
            messages.info(request, _("No call of this month was metered."))
        return redirect("statements", self.organization.slug)


class StatementMixin(OrganizationMixin):
    """Finds the statement of the address within the organization."""

    permission = permissions.VIEW_SETTLEMENT

    def statement(self) -> Statement:
        """Return the statement; one of another organization does not exist here."""
        rows = Statement.objects.filter(organization=self.organization).select_related("organization", "contract")
        return get_object_or_404(rows, pk=self.kwargs["statement"])


class StatementPage(StatementMixin, TemplateView):
    """A statement: totals, sums by site, device, portfolio or product, its lines and its other versions."""

    template_name = "flexmarket/statement.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the statement with a page of its lines."""
        statement = self.statement()
        asked = self.request.GET.get("by", "")
        by = asked if asked in GROUPS else "site"
        lines = StatementLine.objects.filter(statement=statement)
        sums = {name: Sum(name) for name in SUMMED}
        keys = ("site", "asset") if by == "asset" else (by,)
        page = Paginator(lines, LINES_PER_PAGE).get_page(self.request.GET.get("page"))
        open_lines = Dispute.objects.filter(line__in=[line.pk for line in page], state=Dispute.State.OPEN)
        disputed = set(open_lines.values_list("line_id", flat=True))
        versions = Statement.objects.filter(
            organization=self.organization,
            contract=statement.contract,
            month=statement.month,
            currency=statement.currency,
        )
        shown = {
            "statement": statement,
            "by": by,
            "groups": GROUPS.items(),
            "sums": lines.order_by(*keys).values(*keys).annotate(calls=Count("pk"), **sums),
            "totals": lines.aggregate(calls=Count("pk"), **sums),
            "page": page,
            "disputed": disputed,
            "versions": versions.order_by("version"),
            "formats": list(FORMATS),
            "may_close": self.tenant_request.membership.may(permissions.CLOSE_SETTLEMENT),
        }
        return super().get_context_data(**{**kwargs, **shown})


class CloseStatement(StatementMixin):
    """Closes a draft; gaps are accepted only where the form says so."""

    permission = permissions.CLOSE_SETTLEMENT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Close it, or say why that cannot be."""
        statement = self.statement()
        try:
            close_statement(statement=statement, accept_gaps=request.POST.get("accept_gaps") == "on")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The statement is closed."))
        return redirect("statement", self.organization.slug, statement.pk)


class StatementFileView(StatementMixin):
    """A statement as CSV, XLSX or PDF."""

    def get(self, _request: HttpRequest, file_format: str, **_kwargs: Any) -> HttpResponse:
        """Answer the file; 404 for a format that is not known."""
        if file_format not in FORMATS:
            raise Http404
        file = export_statement(self.statement(), file_format)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return HttpResponse(file.content, content_type=file.media_type, headers=headers)


class MarketKpis(OrganizationMixin, TemplateView):
    """The figures of the market, with the reliability of every device that was called."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/kpis.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the figures."""
        shown = {"kpis": kpis_of(self.organization), "days": RELIABILITY_DAYS, "share_days": SHARE_DAYS}
        return super().get_context_data(**{**kwargs, **shown})


class SiteBaselines(OrganizationMixin, TemplateView):
    """The part of a site's page that says how well each baseline method meets its meter."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/site_baselines.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the methods with their errors."""
        site = get_object_or_404(Site.objects.filter(organization=self.organization), slug=self.kwargs["site"])
        labels = dict(MarketProduct.BaselineMethod.choices)
        rows = [(labels[each.name], each) for each in accuracy_of(site)]
        hours = ", ".join(f"{hour}" for hour in HOURS)
        return super().get_context_data(**{**kwargs, "rows": rows, "days": DAYS, "hours": hours})
