"""Every address of the site: pages of each app, accounts, admin, REST under /api/."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from jsnsite.health import healthz
from jsnsite.pages.design import design

admin.site.site_header = _("JSN administration")
admin.site.site_title = "JSN"
# Signing in goes through allauth here too, so its rate limits and second factor hold.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("language/", set_language, name="set_language"),
    path("design/", design, name="design"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("jsnsite.accounts.urls")),
    path("", include("jsnsite.studies.urls")),
    path("", include("jsnsite.radiographs.urls")),
    path("", include("jsnsite.measurements.urls")),
    path("", include("jsnsite.reviews.urls")),
    path("", include("jsnsite.exports.urls")),
]
