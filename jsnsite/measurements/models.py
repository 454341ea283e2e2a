"""Runs of the pipeline and the immutable measurements that they leave."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from jsnsite.append_only import AppendOnlyModel, AppendOnlyQuerySet
from jsnsite.errors import Immutable
from jsnsite.identity import PublicModel
from jsnsite.radiographs.models import Laterality, Radiograph, RadiographState
from jsnsite.scoping import Action, Person, ScopedQuerySet, blind_sites, is_unlimited
from jsnsite.storage import random_name
from jsnsite.studies.joints import JOINTS
from jsnsite.studies.models import Patient


class RunState(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Reliability(models.TextChoices):
    """How far a measurement may be trusted without a reader."""

    RELIABLE = "reliable", _("reliable")
    REVIEW = "review", _("needs review")
    UNRELIABLE = "unreliable", _("unreliable")


def hand_baseline(patient: str, laterality: str) -> Subquery:
    """The current, not failed radiograph of a hand with the lowest ordinal, for an outer query's patient and
    side.
    """
    return Subquery(
        Radiograph.objects.filter(
            timepoint__patient=OuterRef(patient), laterality=OuterRef(laterality), current=True
        )
        .exclude(state=RadiographState.FAILED)
        .order_by("timepoint__ordinal")
        .values("pk")[:1]
    )


class RunQuerySet(ScopedQuerySet["Run"]):
    to_site = "baseline__timepoint__patient__site"

    def of_current_films(self) -> RunQuerySet:
        """Runs of any two films of a hand, neither of them superseded."""
        return self.filter(baseline__current=True, followup__current=True)

    def of_current_pairs(self) -> RunQuerySet:
        """Runs between the hand's baseline and a follow-up, neither of them superseded."""
        return self.of_current_films().filter(
            baseline=hand_baseline("baseline__timepoint__patient", "baseline__laterality")
        )

    def newest(self) -> RunQuerySet:
        """The newest attempt of each pair, whatever became of it."""
        later = Run.objects.filter(
            baseline=OuterRef("baseline"), followup=OuterRef("followup"), attempt__gt=OuterRef("attempt")
        )
        return self.filter(~Exists(later))


class Run(PublicModel):
    """One execution of the pipeline for one hand and one pair of timepoints. Immutable once done or failed.

    ``input_digests`` names what it measures (joints; pixels, spacing, versions of annotations and drawn bone
    outlines of both films); ``input_key`` is their digest. A retry is a new run with the next ``attempt``, and so
    is a run of the few joints that somebody has corrected.
    """

    baseline = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="runs_as_baseline")
    followup = models.ForeignKey(Radiograph, on_delete=models.PROTECT, related_name="runs_as_followup")
    state = models.CharField(max_length=8, choices=RunState, default=RunState.QUEUED)
    attempt = models.PositiveIntegerField()
    retry_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="retries"
    )
    input_digests = models.JSONField(default=dict)
    input_key = models.CharField(max_length=64)
    claim_token = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    claims = models.PositiveSmallIntegerField(default=0)
    model_digests = models.JSONField(default=dict)
    code_version = models.CharField(max_length=64, blank=True)
    parameters = models.JSONField(default=dict)
    failure_code = models.CharField(max_length=32, blank=True)
    failure_message = models.TextField(blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-queued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(name="run_attempt_once", fields=["baseline", "followup", "attempt"]),
            models.UniqueConstraint(
                name="run_once_per_inputs",
                fields=["baseline", "followup", "input_key"],
                condition=Q(state__in=["queued", "running", "done"]),
            ),
            models.CheckConstraint(name="run_state_known", condition=Q(state__in=RunState.values)),
            models.CheckConstraint(name="run_compares_two_films", condition=~Q(baseline=F("followup"))),
            models.CheckConstraint(name="run_attempt_from_one", condition=Q(attempt__gte=1)),
            models.CheckConstraint(
                name="run_failure_has_code",
                condition=Q(state="failed") & ~Q(failure_code="") | ~Q(state="failed") & Q(failure_code=""),
            ),
            models.CheckConstraint(
                name="run_finished_has_time",
                condition=Q(state__in=["done", "failed"], finished_at__isnull=False)
                | Q(state__in=["queued", "running"], finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="run_running_is_claimed", condition=~Q(state="running") | Q(claimed_at__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["state", "claimed_at"])]

    def __str__(self) -> str:
        return gettext("attempt %(number)s: %(state)s") % {
            "number": self.attempt,
            "state": self.get_state_display(),
        }

    @property
    def joints(self) -> list[str]:
        """What it measures: all joints of the study, or those that had changed."""
        chosen: list[str] = self.input_digests.get("joints") or self.baseline.study.joints
        return chosen

    @property
    def finished(self) -> bool:
        return self.state in (RunState.DONE, RunState.FAILED)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and Run.objects.filter(pk=self.pk, finished_at__isnull=False).exists():
            raise Immutable(gettext_noop("A finished run"))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise Immutable(gettext_noop("A run"))


class JointMeasurementQuerySet(AppendOnlyQuerySet, ScopedQuerySet["JointMeasurement"]):
    to_site = "run__baseline__timepoint__patient__site"

    def newest(self) -> JointMeasurementQuerySet:
        """Of the newest done run of any two films of a hand that measured this joint, no film superseded: what
        trends are made of.
        """
        later = JointMeasurement.objects.filter(
            joint=OuterRef("joint"),
            run__state=RunState.DONE,
            run__baseline=OuterRef("run__baseline"),
            run__followup=OuterRef("run__followup"),
            run__attempt__gt=OuterRef("run__attempt"),
        )
        return self.filter(
            ~Exists(later),
            run__state=RunState.DONE,
            run__baseline__current=True,
            run__followup__current=True,
        )

    def from_baseline(self) -> JointMeasurementQuerySet:
        """Those that start from what is now the hand's baseline; the others, between later films, are evidence."""
        return self.filter(
            run__baseline=hand_baseline("run__baseline__timepoint__patient", "run__baseline__laterality")
        )

    def current(self) -> JointMeasurementQuerySet:
        """Those that readers see: the newest from the hand's baseline, as ``CurrentMeasurement`` keeps them."""
        return self.filter(as_current__isnull=False)

    def with_flagged(self, user: Person) -> JointMeasurementQuerySet:
        """Adds ``flagged``: whether a newest read that ``user`` may know of flags it."""
        from jsnsite.reviews.models import Read

        reads = Read.objects.restrict(user).flagging()
        return self.annotate(flagged=Exists(reads.filter(measurement=OuterRef("pk"))))

    def with_context(self) -> JointMeasurementQuerySet:
        """Joins all that a row shows: run, both films, their timepoints, patient, site, study."""
        return self.select_related(
            "run__baseline__timepoint",
            "run__followup__timepoint__patient__site__study",
        )


def artifact_name(instance: Any, filename: str) -> str:
    return random_name("artifacts", ".npz")


class JointMeasurement(PublicModel, AppendOnlyModel):
    """JSN of one joint in one run. Written once.

    ``jsn_mm = upper_dy_mm - lower_dy_mm``: positive where the space got narrower. Displacements are from
    baseline to follow-up, mm, y down (proximal), read at the joint centre; rotation is positive clockwise on
    screen.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="measurements")
    joint = models.CharField(max_length=4)
    jsn_mm = models.FloatField(null=True, blank=True)
    jsn_sigma_mm = models.FloatField(null=True, blank=True)
    reliability = models.CharField(max_length=12, choices=Reliability)
    reasons = models.JSONField(default=list)
    upper_dx_mm = models.FloatField(null=True, blank=True)
    upper_dy_mm = models.FloatField(null=True, blank=True)
    upper_rotation_deg = models.FloatField(null=True, blank=True)
    upper_scale = models.FloatField(null=True, blank=True)
    lower_dx_mm = models.FloatField(null=True, blank=True)
    lower_dy_mm = models.FloatField(null=True, blank=True)
    lower_rotation_deg = models.FloatField(null=True, blank=True)
    lower_scale = models.FloatField(null=True, blank=True)
    metrics = models.JSONField(default=dict)
    artifact = models.FileField(upload_to=artifact_name, max_length=120, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = JointMeasurementQuerySet.as_manager()

    class Meta:
        verbose_name = _("joint measurement")
        verbose_name_plural = _("joint measurements")
        ordering = ["run", "joint"]
        constraints = [
            models.UniqueConstraint(name="measurement_once_per_run", fields=["run", "joint"]),
            models.CheckConstraint(name="measurement_joint_known", condition=Q(joint__in=JOINTS)),
            models.CheckConstraint(
                name="measurement_reliability_known", condition=Q(reliability__in=Reliability.values)
            ),
            models.CheckConstraint(
                name="measurement_sigma_not_negative",
                condition=Q(jsn_sigma_mm__isnull=True) | Q(jsn_sigma_mm__gte=0),
            ),
            models.CheckConstraint(
                name="measurement_without_number_is_unreliable",
                condition=Q(jsn_mm__isnull=False) | Q(reliability="unreliable"),
            ),
        ]
        indexes = [models.Index(fields=["joint", "reliability"])]

    def __str__(self) -> str:
        return self.joint

    @property
    def baseline(self) -> Radiograph:
        return self.run.baseline

    @property
    def followup(self) -> Radiograph:
        return self.run.followup


class CurrentMeasurementQuerySet(ScopedQuerySet["CurrentMeasurement"]):
    to_site = "followup__timepoint__patient__site"

    def most_doubtful_first(self) -> CurrentMeasurementQuerySet:
        return self.order_by("doubt_rank", "doubt_less_mm", "pk")


class CurrentMeasurement(models.Model):
    """A measurement that readers see: the newest of its joint and pair of films, from the hand's baseline.

    Derived, so that lists and counts of a whole study need not look through all attempts at all pairs:
    ``current.refresh_current`` writes it in the transaction of whatever changes it, and can write it again at any
    time. The other columns repeat what lists and counts ask for, and never change: the place in the order of doubt is
    ``current.doubt_key``.
    """

    measurement = models.OneToOneField(
        JointMeasurement, on_delete=models.CASCADE, primary_key=True, related_name="as_current"
    )
    followup = models.ForeignKey(Radiograph, on_delete=models.CASCADE, related_name="+", db_index=False)
    reliability = models.CharField(max_length=12, choices=Reliability)
    doubt_rank = models.PositiveSmallIntegerField()
    doubt_less_mm = models.FloatField()

    objects = CurrentMeasurementQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["followup", "reliability", "doubt_rank", "doubt_less_mm"])]

    def __str__(self) -> str:
        return str(self.measurement)


class JointTrendQuerySet(ScopedQuerySet["JointTrend"]):
    to_site = "patient__site"

    def restrict(self, user: Any, action: Action | str = Action.VIEW) -> JointTrendQuerySet:
        """In scope, each joint once: as all verdicts make it, or, where ``user`` reads, as only their own do."""
        found = super().restrict(user, action)
        for_all = Q(audience=EVERYBODY)
        if is_unlimited(user) or user is None or not user.is_authenticated:
            return found.filter(for_all)
        own = JointTrend.objects.filter(
            patient=OuterRef("patient"),
            laterality=OuterRef("laterality"),
            joint=OuterRef("joint"),
            audience=str(user.uuid),
        )
        for_blind = Q(audience=str(user.uuid)) | Q(audience=NO_VERDICTS) & ~Exists(own)
        is_blind = Q(patient__site__in=blind_sites(user).values("pk"))
        return found.filter(is_blind & for_blind | ~is_blind & for_all)


#: Trends as all readers' verdicts make them, and as none does; any other audience is a reader's public id.
EVERYBODY = ""
NO_VERDICTS = "unread"


class JointTrend(PublicModel):
    """The joint least-squares trend of one joint over all pairs of its films (``measurements.trend``).

    Flags and acceptances decide which pairs count. ``audience`` says whose: all readers', nobody's, or one reader's.
    Readers are blind to each other and see the last two only.

    Derived: ``trending.refresh_trends`` writes it in the transaction of whatever changes it, and can write it
    again at any time. ``points``: the baseline and each film with a measurement, in order, as {timepoint, ordinal,
    date, jsn_mm, sigma_mm, reliability, reasons}; JSN since the baseline, mm, positive = narrower. ``suspects``:
    pairs that contradict the others, as {measurement, baseline_ordinal, followup_ordinal, residual_mm, normalised,
    excluded}. The line is ``intercept + slope * years since the baseline``.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="trends")
    laterality = models.CharField(max_length=1, choices=Laterality)
    joint = models.CharField(max_length=4)
    audience = models.CharField(_("audience"), max_length=36, default=EVERYBODY, blank=True)
    reliability = models.CharField(
        max_length=12, choices=Reliability, help_text=_("The worst of its points; unreliable without any.")
    )
    points = models.JSONField(default=list)
    suspects = models.JSONField(default=list)
    slope_mm_per_year = models.FloatField(null=True, blank=True)
    slope_sigma_mm_per_year = models.FloatField(null=True, blank=True)
    intercept_mm = models.FloatField(null=True, blank=True)
    intercept_sigma_mm = models.FloatField(null=True, blank=True)
    intercept_slope_covariance = models.FloatField(null=True, blank=True, help_text=_("mm squared a year"))
    sdc_mm = models.FloatField(_("smallest detectable change"), null=True, blank=True)
    n_pairs = models.PositiveIntegerField(help_text=_("Pairs of films that count."))
    chi2 = models.FloatField(help_text=_("Weighted sum of squares of the misclosures."))
    dof = models.PositiveIntegerField(help_text=_("How many independent closures there are."))
    updated = models.DateTimeField(auto_now=True)

    objects = JointTrendQuerySet.as_manager()

    class Meta:
        verbose_name = _("joint trend")
        verbose_name_plural = _("joint trends")
        ordering = ["patient", "laterality", "joint"]
        constraints = [
            models.UniqueConstraint(
                name="trend_once_per_joint", fields=["patient", "laterality", "joint", "audience"]
            ),
            models.CheckConstraint(name="trend_joint_known", condition=Q(joint__in=JOINTS)),
            models.CheckConstraint(
                name="trend_laterality_known", condition=Q(laterality__in=Laterality.values)
            ),
            models.CheckConstraint(
                name="trend_reliability_known", condition=Q(reliability__in=Reliability.values)
            ),
            models.CheckConstraint(
                name="trend_slope_has_sigma",
                condition=Q(slope_mm_per_year__isnull=True, slope_sigma_mm_per_year__isnull=True)
                | Q(slope_mm_per_year__isnull=False, slope_sigma_mm_per_year__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(joint)s, %(side)s hand") % {
            "joint": self.joint,
            "side": self.get_laterality_display(),
        }
