"""What the reflection in FlexMeasures hands to the platform: its page, its work, its alert, its resource."""

from django.utils.translation import gettext_lazy as _

from flexmarket.flexmeasures import api, panels, tasks
from flexmarket.flexmeasures.services import PUSH
from flexplatform.accounts import permissions
from flexplatform.api.registry import ApiResource, api_resources
from flexplatform.jobs.registry import FollowUp, JobKind, Priority, follow_ups, job_kinds
from flexplatform.registry import AlertSource, NavigationEntry, alert_sources, navigation
from optimization.services import SCHEDULE_SITE


def register_flexmeasures() -> None:
    """Register all of it; called once, from the app's `ready`."""
    api_resources.add(ApiResource("flexmeasures-links", api.FlexMeasuresLinkViewSet, order=60))
    navigation.add(
        NavigationEntry(
            "flexmeasures", _("FlexMeasures"), "flexmeasures", permissions.VIEW_SCHEDULES, 60, "cloud", "market"
        )
    )
    alert_sources.add(AlertSource("flexmeasures", panels.alerts, permissions.VIEW_SCHEDULES, order=60))
    job_kinds.add(
        JobKind(
            PUSH,
            "FlexMeasures",
            tasks.push,
            view_permission=permissions.VIEW_SCHEDULES,
            run_permission=permissions.RUN_SCHEDULES,
            result_url=tasks.page,
            order=60,
            priority=Priority.LATER,
        )
    )
    follow_ups.add(FollowUp("flexmeasures", SCHEDULE_SITE, tasks.push_after_planning, order=60))
