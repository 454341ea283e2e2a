"""Readers' verdicts on measurements."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from jsnsite.append_only import AppendOnlyModel, AppendOnlyQuerySet
from jsnsite.identity import PublicModel
from jsnsite.measurements.models import JointMeasurement
from jsnsite.scoping import Action, ScopedQuerySet, blind_sites, granted, is_unlimited
from jsnsite.studies.models import Patient, Site


class ReadVerdict(models.TextChoices):
    ACCEPTED = "accepted", _("accepted")
    FLAGGED = "flagged", _("flagged")
    WITHDRAWN = "withdrawn", _("withdrawn")


class ReasonCode(models.TextChoices):
    """Why a reader doubts a measurement."""

    MISMATCH = "mismatch", _("Locked onto the wrong place")
    WRONG_MASK = "wrong_mask", _("Bone outlined wrongly")
    OUT_OF_PLANE = "out_of_plane", _("Bone turned out of the plane")
    OVERLAP = "overlap", _("Bones overlap")
    IMAGE_QUALITY = "image_quality", _("Image quality")
    WRONG_JOINT = "wrong_joint", _("Not this joint")
    OTHER = "other", _("Other (say what)")


class ReadQuerySet(AppendOnlyQuerySet, ScopedQuerySet["Read"]):
    to_site = "measurement__run__baseline__timepoint__patient__site"

    def restrict(self, user: Any, action: Action | str = Action.VIEW) -> ReadQuerySet:
        """In scope, and where ``user`` reads, too, only their own: readers are blind to each other."""
        found = super().restrict(user, action)
        if is_unlimited(user) or user is None or not user.is_authenticated:
            return found
        return found.filter(Q(reader=user) | ~Q(**{f"{self.to_site}__in": blind_sites(user).values("pk")}))

    def newest(self) -> ReadQuerySet:
        """Each reader's newest read of each measurement: the one that counts."""
        later = Read.objects.filter(
            measurement=OuterRef("measurement"), reader=OuterRef("reader"), pk__gt=OuterRef("pk")
        )
        return self.filter(~Exists(later))

    def standing(self) -> ReadQuerySet:
        """Newest reads that are not withdrawn."""
        return self.newest().exclude(verdict=ReadVerdict.WITHDRAWN)

    def flagging(self) -> ReadQuerySet:
        """Newest reads that flag."""
        return self.newest().filter(verdict=ReadVerdict.FLAGGED)

    def accepting(self) -> ReadQuerySet:
        """Newest reads that accept."""
        return self.newest().filter(verdict=ReadVerdict.ACCEPTED)


class Read(PublicModel, AppendOnlyModel):
    """One verdict of one reader on one measurement. Written once; a change of mind is a newer read."""

    measurement = models.ForeignKey(JointMeasurement, on_delete=models.PROTECT, related_name="reads")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reads")
    verdict = models.CharField(max_length=12, choices=ReadVerdict)
    reason_code = models.CharField(max_length=16, choices=ReasonCode, blank=True)
    comment = models.TextField(blank=True, max_length=2000)
    created = models.DateTimeField(auto_now_add=True)

    objects = ReadQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("a reader's verdict", "read")
        verbose_name_plural = pgettext_lazy("readers' verdicts", "reads")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="read_verdict_known", condition=Q(verdict__in=ReadVerdict.values)),
            models.CheckConstraint(
                name="read_flag_has_reason",
                condition=Q(verdict="flagged", reason_code__in=ReasonCode.values)
                | ~Q(verdict="flagged") & Q(reason_code=""),
            ),
            models.CheckConstraint(
                name="read_other_has_comment", condition=~Q(reason_code="other") | ~Q(comment="")
            ),
        ]
        indexes = [models.Index(fields=["measurement", "reader", "-id"])]

    def __str__(self) -> str:
        return self.get_verdict_display()


class AssignmentQuerySet(ScopedQuerySet["Assignment"]):
    to_site = "patient__site"

    def _reachable(self, user: Any, action: Action | str) -> Q:
        """All of what ``user`` manages; of the rest only what is assigned to ``user``: readers do not learn who else
        reads a patient.
        """
        managed = Site.objects.filter(granted(user, Action.MANAGE, study="study__", site="")).values("pk")
        if action == Action.MANAGE:
            return Q(patient__site__in=managed)
        own = Site.objects.filter(granted(user, Action.READ, study="study__", site="")).values("pk")
        return Q(patient__site__in=managed) | Q(reader=user, patient__site__in=own)


class Assignment(PublicModel):
    """A patient whose joints a reader is asked to read. Several readers may have the same patient, blind to each
    other. It says what to do first, not what one may do: that comes from memberships.
    """

    patient = models.ForeignKey(
        Patient, verbose_name=_("patient"), on_delete=models.CASCADE, related_name="assignments"
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("reader"),
        on_delete=models.PROTECT,
        related_name="assignments",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("created by"), on_delete=models.PROTECT, related_name="+"
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AssignmentQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["patient", "reader"]
        constraints = [
            models.UniqueConstraint(name="assignment_once_per_reader", fields=["patient", "reader"])
        ]
        indexes = [models.Index(fields=["reader", "patient"])]

    def __str__(self) -> str:
        return f"{self.patient}: {self.reader}"
