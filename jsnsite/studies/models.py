"""Study, site, pseudonymous patient, timepoint."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from jsnsite.identity import PublicModel
from jsnsite.scoping import Action, ScopedQuerySet, roles_with
from jsnsite.studies.joints import JOINTS, default_joints


class StudyQuerySet(ScopedQuerySet["Study"]):
    def _reachable(self, user: Any, action: Action | str) -> Q:
        """Seen by everyone with a role in it or at one of its sites; anything more takes a role in the
        study.
        """
        membership = {"membership__user": user, "membership__role__in": roles_with(action)}
        if action != Action.VIEW:
            membership["membership__site__isnull"] = True
        return Q(pk__in=Study.objects.filter(**membership).values("pk"))


class SiteQuerySet(ScopedQuerySet["Site"]):
    to_site = ""


class PatientQuerySet(ScopedQuerySet["Patient"]):
    to_site = "site"


class TimepointQuerySet(ScopedQuerySet["Timepoint"]):
    to_site = "patient__site"


class Study(PublicModel):
    """A trial. Everything else belongs to exactly one."""

    code = models.SlugField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=200)
    joints = models.JSONField(
        _("joints"), default=default_joints, help_text=_("Joints to measure, in reading order.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = StudyQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        ordering = ["code"]
        constraints = [models.CheckConstraint(name="study_code_not_empty", condition=~Q(code=""))]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        if not isinstance(self.joints, list) or not self.joints or set(self.joints) - set(JOINTS):
            raise ValidationError(
                {"joints": gettext("Name one or more of %(joints)s.") % {"joints": ", ".join(JOINTS)}}
            )


class Site(PublicModel):
    """A hospital or practice that takes radiographs for one study."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sites", verbose_name=_("study"))
    code = models.SlugField(_("code"), max_length=32)
    name = models.CharField(_("name"), max_length=200)
    planned_patients = models.PositiveIntegerField(
        _("planned patients"),
        null=True,
        blank=True,
        help_text=_("How many the site is to recruit; the overview shows how far it is."),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = SiteQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["study", "code"]
        constraints = [
            models.UniqueConstraint(name="site_code_once_per_study", fields=["study", "code"]),
            models.CheckConstraint(name="site_code_not_empty", condition=~Q(code="")),
        ]

    def __str__(self) -> str:
        return f"{self.study.code} / {self.code}"


class Patient(PublicModel):
    """A subject of a study, known by a pseudonym only. ``study`` always is the site's study."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="patients", verbose_name=_("site"))
    study = models.ForeignKey(
        Study, on_delete=models.PROTECT, related_name="patients", editable=False, verbose_name=_("study")
    )
    code = models.CharField(
        _("pseudonym"), max_length=64, help_text=_("The study's subject code; never a name.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PatientQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["study", "code"]
        constraints = [
            models.UniqueConstraint(name="patient_code_once_per_study", fields=["study", "code"]),
            models.CheckConstraint(name="patient_code_not_empty", condition=~Q(code="")),
        ]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.study_id = self.site.study_id
        super().save(*args, **kwargs)


class Timepoint(PublicModel):
    """A visit of a patient: the baseline is the one with the lowest ordinal."""

    patient = models.ForeignKey(
        Patient, on_delete=models.PROTECT, related_name="timepoints", verbose_name=_("patient")
    )
    ordinal = models.SmallIntegerField(_("ordinal"), help_text=_("0 for the baseline, then 1, 2, …"))
    date = models.DateField(_("date"))
    label = models.CharField(
        _("label"), max_length=64, blank=True, help_text=_("As the protocol calls it, e.g. “month 12”.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TimepointQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("timepoint")
        verbose_name_plural = _("timepoints")
        ordering = ["patient", "ordinal"]
        constraints = [
            models.UniqueConstraint(name="timepoint_ordinal_once_per_patient", fields=["patient", "ordinal"]),
            models.CheckConstraint(name="timepoint_ordinal_not_negative", condition=Q(ordinal__gte=0)),
        ]

    def __str__(self) -> str:
        return self.label or gettext("timepoint %(ordinal)s") % {"ordinal": self.ordinal}
