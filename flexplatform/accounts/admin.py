"""Admin of users, organizations and memberships."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm

from flexplatform.accounts.models import Membership, Organization, User


class UserCreationForm(BaseUserCreationForm):
    """Asks for the e-mail address in place of a user name."""

    class Meta:
        model = User
        fields = ("email",)


class MembershipInline(admin.TabularInline):
    """The organizations of a user."""

    model = Membership
    extra = 0


@admin.register(User)
class FlexUserAdmin(UserAdmin):
    """Users by e-mail address."""

    add_form = UserCreationForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_active", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("first_name", "last_name")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
    filter_horizontal = ()
    inlines = (MembershipInline,)


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    """Tenants."""

    list_display = ("name", "slug", "time_zone", "country")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
