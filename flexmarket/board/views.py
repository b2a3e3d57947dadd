"""The page of the offers board, its chart and its files."""

from typing import Any

import numpy as np
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexmarket.board.exporting import archive_of_selection
from flexmarket.board.forms import BoardForm
from flexmarket.board.merit_order import CT_PER_EUR, curve_of, merit_order
from flexmarket.board.selection import DIRECTIONS, Board, Wanted, board_of, runs_without_offers
from flexmarket.charts import board_chart
from flexmarket.engine.exporters import EXPORTERS
from flexmarket.lab.views import STYLES
from flexmarket.live import JobOnPageMixin
from flexmarket.method_words import METHOD_WORDS
from flexmarket.quantifying import MOST_RUNS, QUANTIFY_MANY, request_many_quantified
from flexmarket.queries import DEFAULT_METHOD
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import new_key
from flexplatform.portal.charts import CHART_SCRIPTS, ChartPage
from flexplatform.portal.views import OrganizationMixin

ROWS_PER_PAGE = 100
LONGEST_QUERY, LONGEST_KEY = 500, 100


class BoardMixin(OrganizationMixin):
    """Reads the filter of the address."""

    permission = permissions.VIEW_OFFERS

    def form(self) -> BoardForm:
        """Return the filter as it was asked for."""
        form = BoardForm(self.organization, self.request.GET or {})
        form.is_valid()
        return form

    def directions(self, form: BoardForm) -> tuple[str, ...]:
        """Return the directions to look at."""
        chosen = form.cleaned_data.get("direction")
        return (chosen,) if chosen else DIRECTIONS


class OffersBoard(JobOnPageMixin, BoardMixin, TemplateView):
    """What is on offer over the day, and in one quarter-hour offer by offer."""

    template_name = "flexmarket/board.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the sums by quarter-hour, the price curve of the chosen one, and a page of its offers."""
        form = self.form()
        wanted = form.wanted(self.organization)
        board = board_of(self.organization, wanted)
        directions = self.directions(form)
        step = self._step(board)
        rows = merit_order(board, step, directions) if board.sources else []
        market = form.cleaned_data.get("market") or sorted(EXPORTERS)[0]
        on_request = wanted.method != DEFAULT_METHOD
        job = self.job_in_address(QUANTIFY_MANY)
        shown = {
            "method": wanted.method,
            "method_line": METHOD_WORDS[wanted.method].line,
            "on_request": on_request,
            "missing": len(runs_without_offers(self.organization, wanted)) if on_request else 0,
            "most_runs": MOST_RUNS,
            "may_sell": self.tenant_request.membership.may(permissions.SELL_OFFERS),
            "may_quantify": self.tenant_request.membership.may(permissions.RUN_SCHEDULES),
            "job": job,
            "key": new_key(),
            "form": BoardForm(self.organization, initial=_initial(form, wanted, market)),
            "wrong": [f"{form.fields[name].label}: {errors[0]}" for name, errors in form.errors.items()],
            "filtered": bool(self.request.GET),
            "board": board,
            "day": wanted.day,
            "zone": wanted.zone.key,
            "quarters": _quarters(board, wanted, directions),
            "step": step,
            "moment": board.horizon.times[step].astimezone(wanted.zone),
            "curve": curve_of(rows),
            "page": Paginator(rows, ROWS_PER_PAGE).get_page(self.request.GET.get("page")),
            "market": market,
            "may_export": self.tenant_request.membership.may(permissions.EXPORT_OFFERS),
            "scripts": CHART_SCRIPTS if board.sources else (),
            "styles": STYLES,
        }
        return super().get_context_data(**{**kwargs, **shown})

    def _step(self, board: Board) -> int:
        text = self.request.GET.get("step", "")
        known = text.isascii() and text.isdigit() and len(text) < 4 and int(text) < board.horizon.count
        return int(text) if known else board.best_step()


class BoardCharts(BoardMixin):
    """What is on offer over the day as JSON."""

    def get(self, _request: HttpRequest) -> JsonResponse:
        """Answer what charts.js draws."""
        form = self.form()
        wanted = form.wanted(self.organization)
        board = board_of(self.organization, wanted)
        horizon = wanted.horizon
        charts = [board_chart(board, self.directions(form))] if board.sources else []
        seconds = horizon.step.total_seconds()
        page = ChartPage(
            start=horizon.start, step_seconds=seconds, count=horizon.count, zone=wanted.zone.key, charts=charts
        )
        return JsonResponse(page.as_json())


class BoardExport(BoardMixin):
    """The files of a market for the selection, in one ZIP archive."""

    permission = permissions.EXPORT_OFFERS

    def get(self, _request: HttpRequest, market: str) -> HttpResponse:
        """Answer the archive; 404 for a market that is not known and where nothing is offered."""
        if market not in EXPORTERS:
            raise Http404
        form = self.form()
        wanted = form.wanted(self.organization)
        archive = archive_of_selection(self.organization, wanted, market, form.cleaned_data.get("direction", ""))
        if archive is None:
            raise Http404(_("Nothing is offered."))
        name = f"{self.organization.slug}_{wanted.day}_{market}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(archive, content_type="application/zip", headers=headers)


class QuantifyBoard(BoardMixin):
    """Asks for the offers that the chosen method has not made yet, of the sites that the filter lets through."""

    permission = permissions.RUN_SCHEDULES
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Start the job and show the board as it was filtered."""
        asked = QueryDict(request.POST.get("back", "")[:LONGEST_QUERY], mutable=True)
        form = BoardForm(self.organization, asked)
        form.is_valid()
        wanted = form.wanted(self.organization)
        asked["method"] = wanted.method
        try:
            job = request_many_quantified(
                organization=self.organization,
                runs=runs_without_offers(self.organization, wanted),
                method=wanted.method,
                idempotency_key=request.POST.get("key", "")[:LONGEST_KEY],
            )
        except (ValidationError, JobConflictError) as error:
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            messages.error(request, _("Nothing was quantified: {reason}").format(reason=text))
        else:
            asked["job"] = str(job.pk)
        return redirect(f"{reverse('offers', args=[self.organization.slug])}?{asked.urlencode()}")


def _initial(form: BoardForm, wanted: Wanted, market: str) -> dict[str, Any]:
    return {**form.cleaned_data, "day": wanted.day, "market": market, "method": wanted.method}


def _quarters(board: Board, wanted: Wanted, directions: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return one row per quarter-hour: local time, and power, energy and mean price of each direction."""
    nothing = np.full(board.horizon.count, np.nan)
    columns = {
        direction: (
            board.total(direction, "power_kw"),
            board.total(direction, "energy_kwh"),
            board.mean_price(direction) * CT_PER_EUR,
        )
        if direction in directions
        else (nothing, nothing, nothing)
        for direction in DIRECTIONS
    }
    return [
        {
            "step": step,
            "moment": moment.astimezone(wanted.zone),
            "cells": [_number(each[step]) for name in DIRECTIONS for each in columns[name]],
        }
        for step, moment in enumerate(board.horizon.times)
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
