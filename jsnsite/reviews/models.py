"""Readers' verdicts on measurements."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from jsnsite.append_only import AppendOnlyModel, AppendOnlyQuerySet
from jsnsite.identity import PublicModel
from jsnsite.measurements.models import JointMeasurement
from jsnsite.scoping import ScopedQuerySet


class ReadVerdict(models.TextChoices):
    ACCEPTED = "accepted", "accepted"
    FLAGGED = "flagged", "flagged"
    WITHDRAWN = "withdrawn", "withdrawn"


class ReasonCode(models.TextChoices):
    """Why a reader doubts a measurement."""

    MISMATCH = "mismatch", "Locked onto the wrong place"
    WRONG_MASK = "wrong_mask", "Bone outlined wrongly"
    OUT_OF_PLANE = "out_of_plane", "Bone turned out of the plane"
    OVERLAP = "overlap", "Bones overlap"
    IMAGE_QUALITY = "image_quality", "Image quality"
    WRONG_JOINT = "wrong_joint", "Not this joint"
    OTHER = "other", "Other (say what)"


class ReadQuerySet(AppendOnlyQuerySet, ScopedQuerySet["Read"]):
    to_site = "measurement__run__baseline__timepoint__patient__site"

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
