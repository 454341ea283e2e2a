"""Pages of studies, patients and timepoints."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from jsnsite.measurements import queries as measurement_queries
from jsnsite.pages import overview
from jsnsite.pages import patient as patient_pages
from jsnsite.pages.hand_map import HANDS, SIDES
from jsnsite.pages.shortcuts import SignedInRequest, page_of, refusals_as_messages, with_names
from jsnsite.pages.words import UPLOAD
from jsnsite.radiographs import queries as radiograph_queries
from jsnsite.radiographs.forms import SpacingForm, UploadForm
from jsnsite.radiographs.models import Laterality
from jsnsite.reviews import queries as review_queries
from jsnsite.scoping import Action, allowed
from jsnsite.studies import queries, services
from jsnsite.studies.forms import PatientForm, TimepointForm
from jsnsite.studies.models import Patient, Site, Study, Timepoint


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """The one study of most people; a choice for those with several."""
    found = list(queries.studies(request.user))
    if len(found) == 1:
        return study(request, found[0].uuid)
    return render(request, "studies/home.html", {"studies": found})


@login_required
@require_safe
def study(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    found = queries.study_or_404(request.user, uuid)
    if request.htmx.target == "trust":  # asked for by the page itself, once it is painted
        trust = overview.trust(request.user, found)
        return render(request, "studies/_trust.html", {"study": found, "trust": trust})
    ordinals, rows = overview.visit_matrix(request.user, found)
    context = {
        "study": found,
        "ordinals": ordinals,
        "rows": rows,
        "attention": overview.attention(request.user, found),
        "may_assign": allowed(request.user, Action.MANAGE, found),
        "trust": overview.trust(request.user, found) if "reliability" in request.GET else None,
    }
    return render(request, "studies/study.html", context | overview.live_counts(request.user, found))


@login_required
@require_safe
def progress(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The moving part of the overview, asked for again and again while something is in work."""
    found = queries.study_or_404(request.user, uuid)
    return render(
        request, "studies/_progress.html", {"study": found} | overview.live_counts(request.user, found)
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def patients(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    found = queries.study_or_404(request.user, uuid)
    sites = Site.objects.restrict(request.user, Action.UPLOAD).filter(study=found)
    form = PatientForm(request.POST or None, sites=sites)
    if request.method == "POST" and form.is_valid():
        with refusals_as_messages(request):
            enrolled = services.enrol(user=request.user, **form.cleaned_data)
            return redirect("studies:patient", enrolled.uuid)
    return render(
        request, "studies/patients.html", _patient_list(request, found) | {"form": form, "may_enrol": sites}
    )


def _patient_list(request: SignedInRequest, study: Study) -> dict[str, Any]:
    """The page of patients that the query asks for: ``q`` in the code, ``site`` by id."""
    sites = queries.sites(request.user, study).order_by("code")
    text, site = request.GET.get("q", "").strip(), request.GET.get("site", "")
    found = queries.patients(request.user, study=study).filter(code__icontains=text).order_by("code")
    if site in {str(each.uuid) for each in sites}:
        found = found.filter(site__uuid=site)
    page = page_of(request, found)
    counts = overview.reliability_by_patient(request.user, list(page))
    trends = measurement_queries.patient_trends(request.user, list(page))
    for patient in page:
        patient.reliability = dict(counts[patient.pk])
        patient.trend = trends.get(patient.pk)
    return {"study": study, "page": page, "sites": sites, "q": text, "site": site}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def patient(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    found = queries.patient_or_404(request.user, uuid)
    form = TimepointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_as_messages(request):
            added = services.add_timepoint(user=request.user, patient=found, **form.cleaned_data)
            return redirect("studies:timepoint", added.uuid)
    context = _joints(request, found)
    if request.htmx.target == "trends":
        return render(request, "studies/_trends.html", context)
    context |= {
        "form": form,
        "may_add": Patient.objects.restrict(request.user, Action.UPLOAD).filter(pk=found.pk).exists(),
        "visits": _visits(request, found, context["timepoints"]),
        "progress": measurement_queries.progress(request.user, patient=found),
    }
    return render(request, "studies/patient.html", context)


@login_required
@require_safe
def report(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The patient's numbers on one page of paper; the browser prints it, or keeps it as PDF."""
    found = queries.patient_or_404(request.user, uuid)
    context = _joints(request, found)
    context |= {
        "provenance": patient_pages.provenance(request.user, found),
        "today": timezone.localdate(),
    }
    return render(request, "studies/report.html", context)


def _joints(request: SignedInRequest, patient: Patient) -> dict[str, Any]:
    """What the query asks for: ``side`` and ``joint`` choose the large trend, ``colour`` that of the hand map."""
    reads = allowed(request.user, Action.READ, patient)
    timepoints = list(queries.timepoints(request.user, patient=patient))
    mean = patient_pages.mean_shown(request.user, patient, timepoints)
    return {"timepoints": timepoints, "mean": mean} | patient_pages.joints_shown(
        request.user,
        patient,
        asked=(request.GET.get("side", ""), request.GET.get("joint", "")),
        colour=request.GET.get("colour", ""),
        show_flags=not review_queries.reads_independently(request.user, may_read=reads),
    )


def _visits(
    request: SignedInRequest, patient: Patient, timepoints: list[Timepoint]
) -> list[tuple[Timepoint, list[tuple[str, Any]]]]:
    """Each timepoint with its film for the right and the left hand, None where there is none."""
    films = radiograph_queries.radiographs(request.user).filter(timepoint__patient=patient, current=True)
    by_place = {(film.timepoint_id, film.laterality): film for film in films}
    return [
        (timepoint, [(side, by_place.get((timepoint.pk, side))) for side in SIDES])
        for timepoint in timepoints
    ]


@login_required
@require_safe
def timepoint(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    found = queries.timepoint_or_404(request.user, uuid)
    uploads = radiograph_queries.uploads_of(request.user, found)
    context = {
        "uploads": with_names(uploads, request.user),
        "upload_form": UploadForm(),
        "upload_words": UPLOAD,
        "may_upload": queries.may_upload(request.user, found),
    }
    return render(request, "studies/timepoint.html", context | _films(request, found))


@login_required
@require_safe
def films(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The films of a timepoint, asked for again and again while something is in work."""
    return render(
        request, "studies/_films.html", _films(request, queries.timepoint_or_404(request.user, uuid))
    )


def _films(request: SignedInRequest, timepoint: Timepoint) -> dict[str, Any]:
    """Film and newest run for each hand, and whether something still moves."""
    films = {film.laterality: film for film in radiograph_queries.radiographs_of(request.user, timepoint)}
    runs = {
        run.followup.laterality: run for run in measurement_queries.runs(request.user, timepoint=timepoint)
    }
    in_work = any(film.state in ("queued", "locating") for film in films.values()) or any(
        not run.finished for run in runs.values()
    )
    return {
        "timepoint": timepoint,
        "patient": timepoint.patient,
        "sides": [
            (Laterality(side), title, HANDS[side], films.get(side), runs.get(side))
            for side, title in SIDES.items()
        ],
        "in_work": in_work,
        "may_upload": queries.may_upload(request.user, timepoint),
        "spacing_form": SpacingForm(),
    }
