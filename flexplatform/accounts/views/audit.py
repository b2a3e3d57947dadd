"""What was done."""

from typing import Any

from django.core.paginator import Paginator
from django.views.generic import TemplateView

from flexplatform.accounts import permissions
from flexplatform.accounts.forms import AuditFilterForm
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.queries import audit_events
from flexplatform.portal.views import OrganizationMixin

EVENTS_PER_PAGE = 100


class Audit(OrganizationMixin, TemplateView):
    """The organization's audit events, newest first."""

    template_name = "accounts/audit.html"
    permission = permissions.VIEW_AUDIT

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return a page of the events that the filter leaves; a filter in error leaves none."""
        form = AuditFilterForm(self.request.GET)
        found = audit_events(self.organization, form.cleaned_data) if form.is_valid() else AuditEvent.objects.none()
        page = Paginator(found, EVENTS_PER_PAGE).get_page(self.request.GET.get("page"))
        query = self.request.GET.copy()
        query.pop("page", None)
        events = [{"event": event, "changes": _changes(event)} for event in page]
        filtered = any(form[name].data for name in form.fields)
        return super().get_context_data(
            **kwargs, form=form, page=page, events=events, query=query.urlencode(), filtered=filtered
        )


def _changes(event: AuditEvent) -> list[dict[str, Any]]:
    before, after = event.before or {}, event.after or {}
    return [{"name": name, "before": before.get(name), "after": after.get(name)} for name in {**before, **after}]
