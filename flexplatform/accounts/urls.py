"""Addresses of members, tokens and audit, below `/o/<organization>/`."""

from django.urls import path

from flexplatform.accounts.views import audit, members, tokens

urlpatterns = [
    path("members/", members.Members.as_view(), name="members"),
    path("members/<int:member>/role/", members.MemberRole.as_view(), name="member_role"),
    path("members/<int:member>/deactivate/", members.MemberDeactivate.as_view(), name="member_deactivate"),
    path("members/<int:member>/reactivate/", members.MemberReactivate.as_view(), name="member_reactivate"),
    path("members/<int:member>/remove/", members.MemberRemove.as_view(), name="member_remove"),
    path("invitations/<int:invitation>/withdraw/", members.InvitationWithdraw.as_view(), name="invitation_withdraw"),
    path("tokens/", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/new/", tokens.TokenNew.as_view(), name="token_new"),
    path("tokens/<int:token>/revoke/", tokens.TokenRevoke.as_view(), name="token_revoke"),
    path("audit/", audit.Audit.as_view(), name="audit"),
]
