"""Radiographs, what became of every uploaded file, and where the joints lie."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from jsnsite.append_only import AppendOnlyModel, AppendOnlyQuerySet
from jsnsite.identity import PublicModel
from jsnsite.scoping import ScopedQuerySet
from jsnsite.storage import random_name
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Study, Timepoint


class Laterality(models.TextChoices):
    LEFT = "L", _("left")
    RIGHT = "R", _("right")


class SpacingSource(models.TextChoices):
    """Where a radiograph's pixel spacing comes from."""

    PIXEL_SPACING = "pixel_spacing", "PixelSpacing"
    IMAGER_PIXEL_SPACING = "imager_pixel_spacing", "ImagerPixelSpacing"
    NOMINAL_SCANNED = "nominal_scanned_spacing", "NominalScannedPixelSpacing"
    CALIBRATED = "calibrated", _("calibrated")
    ENTERED = "entered", _("entered by hand")


class RadiographState(models.TextChoices):
    NEEDS_SPACING = "needs_spacing", _("waits for its pixel spacing")
    QUEUED = "queued", _("queued")
    LOCATING = "locating", _("finding joints")
    READY = "ready", _("ready")
    FAILED = "failed", _("failed")


class Verdict(models.TextChoices):
    ACCEPTED = "accepted", _("accepted")
    ACCEPTED_WITH_WARNING = "accepted_with_warning", _("accepted, please check")
    REJECTED = "rejected", _("not accepted")


def radiograph_name(instance: Any, filename: str) -> str:
    return random_name("radiographs", ".dcm")


def preview_name(instance: Any, filename: str) -> str:
    return random_name("previews", ".png")


class RadiographQuerySet(ScopedQuerySet["Radiograph"]):
    to_site = "timepoint__patient__site"

    def current(self) -> RadiographQuerySet:
        """Those that no later film of the same hand and timepoint has replaced."""
        return self.filter(current=True)


class Radiograph(PublicModel):
    """One de-identified image of one hand at one timepoint. A film that shows both hands is two of these.

    A newer film of the same hand and timepoint supersedes it; nothing is deleted. ``sha256`` is over the
    decoded pixel values, so the same film in another encoding is the same film.
    """

    timepoint = models.ForeignKey(Timepoint, on_delete=models.PROTECT, related_name="radiographs")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    laterality = models.CharField(max_length=1, choices=Laterality)
    laterality_settled = models.BooleanField(
        default=False, help_text=_("A person has decided the side; the image is not asked again.")
    )
    file = models.FileField(upload_to=radiograph_name, max_length=120)
    preview = models.FileField(upload_to=preview_name, max_length=120)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    bits = models.PositiveSmallIntegerField()
    photometric = models.CharField(max_length=16)
    manufacturer = models.CharField(max_length=64, blank=True)
    body_part = models.CharField(max_length=16, blank=True)
    pixel_spacing_mm = models.FloatField(null=True, blank=True)
    spacing_source = models.CharField(max_length=24, choices=SpacingSource, blank=True)
    state = models.CharField(max_length=16, choices=RadiographState)
    claim_token = models.CharField(max_length=64, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    claims = models.PositiveSmallIntegerField(default=0, editable=False)
    failure_code = models.CharField(max_length=32, blank=True)
    failure_message = models.TextField(blank=True)
    current = models.BooleanField(default=True)
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="supersedes"
    )
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = RadiographQuerySet.as_manager()

    class Meta:
        verbose_name = _("radiograph")
        verbose_name_plural = _("radiographs")
        ordering = ["timepoint", "laterality", "-created"]
        constraints = [
            models.UniqueConstraint(
                name="radiograph_one_current", fields=["timepoint", "laterality"], condition=Q(current=True)
            ),
            models.UniqueConstraint(
                name="radiograph_pixels_once_per_hand",
                fields=["study", "sha256", "laterality"],
                condition=Q(current=True),
            ),
            models.CheckConstraint(
                name="radiograph_superseded_not_current",
                condition=Q(current=False) | Q(superseded_by__isnull=True),
            ),
            models.CheckConstraint(
                name="radiograph_laterality_known", condition=Q(laterality__in=Laterality.values)
            ),
            models.CheckConstraint(
                name="radiograph_state_known", condition=Q(state__in=RadiographState.values)
            ),
            models.CheckConstraint(name="radiograph_has_pixels", condition=Q(rows__gt=0, columns__gt=0)),
            models.CheckConstraint(
                name="radiograph_spacing_has_source",
                condition=Q(pixel_spacing_mm__isnull=True, spacing_source="")
                | Q(pixel_spacing_mm__gt=0, spacing_source__in=SpacingSource.values),
            ),
            models.CheckConstraint(
                name="radiograph_works_only_with_spacing",
                condition=~Q(state__in=["queued", "locating", "ready"]) | Q(pixel_spacing_mm__isnull=False),
            ),
            models.CheckConstraint(
                name="radiograph_failure_has_code",
                condition=Q(state="failed") & ~Q(failure_code="") | ~Q(state="failed") & Q(failure_code=""),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "claimed_at"]),
            models.Index(fields=["study", "sha256"]),
        ]

    def __str__(self) -> str:
        return gettext("%(side)s hand, %(visit)s") % {
            "side": self.get_laterality_display(),
            "visit": self.timepoint,
        }

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.study_id = self.timepoint.patient.study_id
        super().save(*args, **kwargs)


class UploadRecordQuerySet(ScopedQuerySet["UploadRecord"]):
    to_site = "timepoint__patient__site"


class UploadRecord(PublicModel):
    """What became of one uploaded file. Rejected bytes are not kept: they may hold an identity."""

    timepoint = models.ForeignKey(Timepoint, on_delete=models.PROTECT, related_name="uploads")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads"
    )
    file_name = models.CharField(max_length=120, help_text=_("Shown to the uploader only."))
    verdict = models.CharField(max_length=24, choices=Verdict)
    code = models.CharField(max_length=32)
    message = models.TextField()
    warnings = models.JSONField(default=list, help_text=_("[[code, message], …] beside the main one"))
    radiograph = models.ForeignKey(
        Radiograph, on_delete=models.PROTECT, null=True, blank=True, related_name="uploads"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = UploadRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("upload record")
        verbose_name_plural = _("upload records")
        ordering = ["-created", "-pk"]
        constraints = [
            models.CheckConstraint(name="upload_verdict_known", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(
                name="upload_rejected_has_no_radiograph",
                condition=Q(verdict="rejected", radiograph__isnull=True)
                | ~Q(verdict="rejected") & Q(radiograph__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["timepoint", "-created"])]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}: {self.code}"

    def name_for(self, user: Any) -> str:
        """The file's name for its uploader; for everyone else nothing, as names of files may identify."""
        return self.file_name if user.pk == self.uploaded_by_id else ""


class AnnotationSource(models.TextChoices):
    LOCATOR = "locator", _("found by the locator")
    PERSON = "person", _("placed by a person")


class JointAnnotationQuerySet(AppendOnlyQuerySet, ScopedQuerySet["JointAnnotation"]):
    to_site = "radiograph__timepoint__patient__site"

    def with_newest(self) -> JointAnnotationQuerySet:
        """Adds ``newest``: whether it is the newest version for its joint on its radiograph."""
        later = JointAnnotation.objects.filter(
            radiograph=models.OuterRef("radiograph"),
            joint=models.OuterRef("joint"),
            version__gt=models.OuterRef("version"),
        )
        return self.annotate(newest=~models.Exists(later))

    def newest(self) -> JointAnnotationQuerySet:
        """The newest version for each joint of each radiograph."""
        return self.with_newest().filter(Q(newest=True))


class JointAnnotation(PublicModel, AppendOnlyModel):
    """Where one joint lies on a radiograph: a version, never changed; the newest counts.

    ``x_px, y_px``: joint centre, x right, y down, pixel centres at integers. ``angle_deg``: direction of the
    distal bone, 0 = straight up the film, positive clockwise. ``size_px``: side of the square ROI.
    """

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="annotations")
    joint = models.CharField(max_length=4)
    version = models.PositiveIntegerField()
    x_px = models.FloatField()
    y_px = models.FloatField()
    angle_deg = models.FloatField()
    size_px = models.FloatField()
    confidence = models.FloatField()
    source = models.CharField(max_length=8, choices=AnnotationSource)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = JointAnnotationQuerySet.as_manager()

    class Meta:
        verbose_name = _("joint annotation")
        verbose_name_plural = _("joint annotations")
        ordering = ["radiograph", "joint", "-version"]
        constraints = [
            models.UniqueConstraint(
                name="annotation_version_once", fields=["radiograph", "joint", "version"]
            ),
            models.CheckConstraint(name="annotation_joint_known", condition=Q(joint__in=JOINTS)),
            models.CheckConstraint(name="annotation_version_from_one", condition=Q(version__gte=1)),
            models.CheckConstraint(name="annotation_size_positive", condition=Q(size_px__gt=0)),
            models.CheckConstraint(
                name="annotation_confidence_range", condition=Q(confidence__gte=0, confidence__lte=1)
            ),
            models.CheckConstraint(
                name="annotation_person_is_named",
                condition=Q(source="person", created_by__isnull=False)
                | Q(source="locator", created_by__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(joint)s version %(version)s") % {"joint": self.joint, "version": self.version}


class Bone(models.TextChoices):
    UPPER = "upper", _("upper (distal) bone")
    LOWER = "lower", _("lower (proximal) bone")


class BoneOutlineQuerySet(AppendOnlyQuerySet, ScopedQuerySet["BoneOutline"]):
    to_site = "radiograph__timepoint__patient__site"

    def with_counts(self) -> BoneOutlineQuerySet:
        """Adds ``newest``: of its bone, withdrawn or not; and ``counts``: whether the measuring uses it, that is, it is
        newest, not withdrawn, and drawn in the ROI as it is now.
        """
        of_joint = {"radiograph": models.OuterRef("radiograph"), "joint": models.OuterRef("joint")}
        later = BoneOutline.objects.filter(
            **of_joint, bone=models.OuterRef("bone"), version__gt=models.OuterRef("version")
        )
        moved = JointAnnotation.objects.filter(**of_joint, version__gt=models.OuterRef("annotation__version"))
        return self.annotate(newest=~models.Exists(later)).annotate(
            counts=models.Case(
                models.When(models.Exists(moved) | Q(newest=False) | Q(polygon=[]), then=False), default=True
            )
        )

    def newest(self) -> BoneOutlineQuerySet:
        """The newest version for each bone of each joint, withdrawn ones too."""
        return self.with_counts().filter(Q(newest=True))

    def counting(self) -> BoneOutlineQuerySet:
        """Those that the measuring uses."""
        return self.with_counts().filter(Q(counts=True))


class BoneOutline(PublicModel, AppendOnlyModel):
    """Where a person says that a bone of a joint ends: a version, never changed; the newest counts.

    ``polygon``: corners [[x, y], …] in pixels of the film, x right, y down, pixel centres at integers; the last is
    joined to the first. Film pixels, because the outline is of what the film shows: it stays true whatever ROI is
    cropped. An empty polygon withdraws the outline: the model's counts again. So does a later ``annotation`` of the
    joint, as the person saw and closed the outline within this one.
    """

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="outlines")
    joint = models.CharField(max_length=4)
    bone = models.CharField(max_length=5, choices=Bone)
    version = models.PositiveIntegerField()
    annotation = models.ForeignKey(JointAnnotation, on_delete=models.PROTECT, related_name="outlines")
    polygon = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BoneOutlineQuerySet.as_manager()

    class Meta:
        verbose_name = _("bone outline")
        verbose_name_plural = _("bone outlines")
        ordering = ["radiograph", "joint", "bone", "-version"]
        constraints = [
            models.UniqueConstraint(
                name="outline_version_once", fields=["radiograph", "joint", "bone", "version"]
            ),
            models.CheckConstraint(name="outline_bone_known", condition=Q(bone__in=Bone.values)),
            models.CheckConstraint(name="outline_version_from_one", condition=Q(version__gte=1)),
        ]

    def __str__(self) -> str:
        return gettext("%(bone)s of %(joint)s, version %(version)s") % {
            "bone": self.get_bone_display(),
            "joint": self.joint,
            "version": self.version,
        }


class CorrectionKind(models.TextChoices):
    SPACING = "spacing", _("pixel spacing")
    LATERALITY = "laterality", _("laterality")


class FilmCorrectionQuerySet(AppendOnlyQuerySet, ScopedQuerySet["FilmCorrection"]):
    to_site = "radiograph__timepoint__patient__site"


class FilmCorrection(PublicModel, AppendOnlyModel):
    """Who said what about a film that the file did not say, or said wrongly. Written once.

    ``before`` and ``after`` are values as they are stored (mm, or L and R); ``note`` is where a spacing comes from.
    """

    radiograph = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="corrections")
    kind = models.CharField(max_length=12, choices=CorrectionKind)
    before = models.CharField(max_length=64, blank=True)
    after = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FilmCorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("film correction")
        verbose_name_plural = _("film corrections")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="correction_kind_known", condition=Q(kind__in=CorrectionKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.after}"
