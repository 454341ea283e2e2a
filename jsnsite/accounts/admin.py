"""Administration of people, their roles and their API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from knox.models import AuthToken
from simple_history.admin import SimpleHistoryAdmin

from jsnsite.accounts import services
from jsnsite.accounts.models import ApiToken, Membership, User


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["study", "site"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    inlines = [MembershipInline]
    readonly_fields = ("uuid", "last_login", "date_joined")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People stay in the record; take ``active`` away instead."""
        return False


@admin.register(Membership)
class MembershipAdmin(SimpleHistoryAdmin):
    list_display = ("user", "role", "study", "site", "created")
    list_filter = ("role", "study", "site")
    search_fields = ("user__username", "study__code", "site__code")
    autocomplete_fields = ["user", "study", "site"]


if admin.site.is_registered(AuthToken):
    admin.site.unregister(AuthToken)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Makes and revokes tokens; the secret is shown once, after saving."""

    list_display = ("name", "user", "created", "expiry")
    search_fields = ("name", "user__username")
    fields = ("name", "user")
    autocomplete_fields = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token, secret = services.create_token(user=obj.user, name=obj.name)
        obj.pk, obj.uuid = token.pk, token.uuid
        messages.success(request, _("The token, shown this once: %(secret)s") % {"secret": secret})
