"""Who may see and do what: the one place that answers it.

A role held at a site reaches that site; a role held in a study reaches all its sites. ``restrict`` fails
closed: no user, an inactive one, or an unknown action gets an empty queryset, so out of scope looks like
absent (404).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

Person = AbstractBaseUser | AnonymousUser | None


ModelT = TypeVar("ModelT", bound=models.Model)


class Role(models.TextChoices):
    SITE_STAFF = "site_staff", _("Site staff")
    REVIEWER = "reviewer", _("Reviewer")
    TRIAL = "trial", _("Trial (data consumer)")
    STUDY_ADMIN = "study_admin", _("Study administrator")


class Action(StrEnum):
    """What one may do with the objects in one's scope."""

    VIEW = "view"
    UPLOAD = "upload"  # file radiographs, enter spacing, settle the side
    ANNOTATE = "annotate"  # place joints by hand
    READ = "read"  # accept or flag measurements
    EXPORT = "export"  # fetch over REST
    MANAGE = "manage"  # retry runs, keep patients and timepoints


CAPABILITIES: dict[Role, frozenset[Action]] = {
    Role.SITE_STAFF: frozenset({Action.VIEW, Action.UPLOAD, Action.EXPORT}),
    Role.REVIEWER: frozenset({Action.VIEW, Action.ANNOTATE, Action.READ, Action.EXPORT}),
    Role.TRIAL: frozenset({Action.VIEW, Action.EXPORT}),
    Role.STUDY_ADMIN: frozenset({Action.VIEW, Action.UPLOAD, Action.ANNOTATE, Action.EXPORT, Action.MANAGE}),
}


def roles_with(action: Action | str) -> list[Role]:
    """Roles that include ``action``; none for an action that does not exist."""
    return [role for role, actions in CAPABILITIES.items() if action in actions]


def is_unlimited(user: Person) -> bool:
    """Whether ``user`` is an active superuser."""
    return bool(user is not None and user.is_active and getattr(user, "is_superuser", False))


class ScopedQuerySet(models.QuerySet[ModelT]):
    """Knows how to reach a site from its model: ``to_site`` is the lookup, "" where the model is the site."""

    to_site: ClassVar[str]

    def restrict(self, user: Person, action: Action | str = Action.VIEW) -> Self:
        """Only what ``user`` may do ``action`` with."""
        if user is None or not user.is_authenticated or not user.is_active or action not in set(Action):
            return self.none()
        if is_unlimited(user):
            return self.all()
        return self.filter(self._reachable(user, action))

    def _reachable(self, user: Any, action: Action | str) -> Q:
        from jsnsite.studies.models import Site

        sites = Site.objects.filter(granted(user, action, study="study__", site="")).values("pk")
        return Q(**{f"{self.to_site}__in" if self.to_site else "pk__in": sites})


def granted(user: Any, action: Action | str, *, study: str, site: str) -> Q:
    """A membership of ``user`` that includes ``action``, in the whole study or at the site, by lookup
    prefixes.
    """
    roles = roles_with(action)
    in_study = {"membership__user": user, "membership__role__in": roles, "membership__site__isnull": True}
    at_site = {"membership__user": user, "membership__role__in": roles}
    return Q(**{study + key: value for key, value in in_study.items()}) | Q(
        **{site + key: value for key, value in at_site.items()}
    )


def blind_sites(user: Person) -> models.QuerySet[Any]:
    """The sites at which ``user`` reads and hence must not learn what other readers think, nor any number that follows
    from it: all sites at which they read, but for superusers. Whatever carries verdicts asks here.
    """
    from jsnsite.studies.models import Site

    return Site.objects.none() if is_unlimited(user) else Site.objects.restrict(user, Action.READ)


def allowed(user: Person, action: Action | str, obj: models.Model) -> bool:
    """Whether ``user`` may do ``action`` with this one scoped object."""
    queryset: Any = type(obj)._default_manager
    return bool(queryset.restrict(user, action).filter(pk=obj.pk).exists())
