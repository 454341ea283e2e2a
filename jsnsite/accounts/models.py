"""People, the roles they hold in studies and at sites, and their tokens for the REST interface."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager
from simple_history.models import HistoricalRecords

from jsnsite.identity import PublicModel
from jsnsite.scoping import Role

__all__ = ["ApiToken", "Membership", "Role", "User"]


class User(PublicModel, AbstractUser):  # type: ignore[django-manager-missing]
    """A person who signs in. An administrator makes the account; what it may do comes from memberships."""

    class Meta(AbstractUser.Meta):
        ordering = ["username"]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Membership(PublicModel):
    """One role of one person, in a whole study or at one of its sites."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("user"))
    study = models.ForeignKey("studies.Study", on_delete=models.PROTECT, verbose_name=_("study"))
    site = models.ForeignKey(
        "studies.Site",
        verbose_name=_("site"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("Empty: the whole study."),
    )
    role = models.CharField(_("role"), max_length=16, choices=Role)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["study", "site", "user"]
        constraints = [
            models.CheckConstraint(name="membership_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="membership_site_staff_has_site",
                condition=~Q(role=Role.SITE_STAFF) | Q(site__isnull=False),
            ),
            models.CheckConstraint(
                name="membership_study_roles_have_no_site",
                condition=~Q(role__in=[Role.TRIAL, Role.STUDY_ADMIN]) | Q(site__isnull=True),
            ),
            models.UniqueConstraint(
                name="membership_once_per_site",
                fields=["user", "study", "site", "role"],
                condition=Q(site__isnull=False),
            ),
            models.UniqueConstraint(
                name="membership_once_per_study",
                fields=["user", "study", "role"],
                condition=Q(site__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["user", "role"])]

    def __str__(self) -> str:
        return gettext("%(person)s: %(role)s of %(place)s") % {
            "person": self.user,
            "role": Role(self.role).label,
            "place": self.site or self.study,
        }

    def clean(self) -> None:
        if self.site_id and self.study_id and self.site.study_id != self.study_id:  # type: ignore[union-attr]
            raise ValidationError({"site": _("This site belongs to another study.")})


class ApiToken(PublicModel, AbstractAuthToken):
    """A person's key to the REST interface: only its hash is kept; deleting the row revokes it."""

    name = models.CharField(
        _("name"), max_length=80, help_text=_("What uses it, e.g. “monthly statistics script”.")
    )

    objects = AuthTokenManager()  # type: ignore[django-manager-missing]

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"
