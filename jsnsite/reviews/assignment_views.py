"""The page of those who keep a study: which reader reads which patients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from jsnsite.accounts.models import User
from jsnsite.pages.shortcuts import SignedInRequest, page_of, refusals_as_messages
from jsnsite.reviews import assigning, queries
from jsnsite.reviews.forms import ShareForm
from jsnsite.reviews.models import Assignment
from jsnsite.scoping import Action, allowed
from jsnsite.studies import queries as study_queries
from jsnsite.studies.models import Patient, Study

PAGE_SIZE = 40

#: A patient and a reader by their public ids.
Pair = tuple[str, str]


def _managed_or_404(request: SignedInRequest, uuid: UUID) -> Study:
    study = study_queries.study_or_404(request.user, uuid)
    if not allowed(request.user, Action.MANAGE, study):
        raise Http404
    return study


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def assignments(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Patients by readers, a tick for each assignment; posted, what was ticked or cleared since it was shown."""
    study = _managed_or_404(request, uuid)
    readers = list(queries.readers_of(study))
    if request.method == "POST":
        with refusals_as_messages(request):
            n = _save(request, study, readers)
            messages.success(
                request,
                ngettext("%(n)s assignment changed.", "%(n)s assignments changed.", n) % {"n": n}
                if n
                else _("Nothing was changed."),
            )
        return redirect(request.get_full_path())
    text = request.GET.get("q", "").strip()
    asked = next((reader for reader in readers if str(reader.uuid) == request.GET.get("reader")), None)
    found = Patient.objects.restrict(request.user, Action.MANAGE).filter(study=study)
    shown = found.filter(code__icontains=text)
    if asked is not None:
        shown = shown.filter(assignments__reader=asked)
    page = page_of(request, shown.select_related("site").order_by("code"), PAGE_SIZE)
    taken = _pairs(study, page.object_list)
    readings = queries.readings(study)
    for patient in page:
        patient.cells = [(reader, (str(patient.uuid), str(reader.uuid)) in taken) for reader in readers]
    context = {
        "study": study,
        "page": page,
        "q": text,
        "asked": asked,
        "readers": [(reader, readings.get(reader.pk, queries.Reading())) for reader in readers],
        "share_form": ShareForm(readers=readers),
        "without": found.filter(assignments=None).count(),
        "total": found.count(),
    }
    return render(request, "reviews/assignments.html", context)


@login_required
@require_POST
def share(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Share the study's patients evenly between the ticked readers."""
    study = _managed_or_404(request, uuid)
    form = ShareForm(request.POST, readers=list(queries.readers_of(study)))
    if not form.is_valid():
        messages.error(request, _("Choose the readers, and how many read each patient."))
        return redirect("reviews:assignments", uuid)
    with refusals_as_messages(request):
        n = assigning.share(
            study=study,
            readers=form.cleaned_data["readers"],
            per_patient=form.cleaned_data["per_patient"],
            user=request.user,
        )
        made = ngettext("%(n)s assignment made.", "%(n)s assignments made.", n) % {"n": n}
        messages.success(request, made if n else _("Every patient has that many readers already."))
    return redirect("reviews:assignments", uuid)


def _save(request: SignedInRequest, study: Study, readers: list[User]) -> int:
    """Only what differs from what the page showed, so that two people at work do not undo each other."""
    before, now = _given(request, "was"), _given(request, "is")
    by_uuid: dict[str, Any] = {str(reader.uuid): reader for reader in readers}
    wanted = {patient for patient, _reader in before ^ now}
    patients = {
        str(row.uuid): row
        for row in Patient.objects.restrict(request.user, Action.MANAGE).filter(study=study, uuid__in=wanted)
    }

    def known(pairs: Iterable[Pair]) -> list[tuple[Patient, User]]:
        return [(patients[p], by_uuid[r]) for p, r in sorted(pairs) if p in patients and r in by_uuid]

    return assigning.change(add=known(now - before), remove=known(before - now), user=request.user)


def _given(request: SignedInRequest, name: str) -> set[Pair]:
    pairs = (value.partition(":") for value in request.POST.getlist(name))
    return {(patient, reader) for patient, _colon, reader in pairs if _is_uuid(patient) and _is_uuid(reader)}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _pairs(study: Study, patients: Iterable[Patient]) -> set[Pair]:
    rows = Assignment.objects.filter(patient__in=list(patients), patient__study=study)
    return {(str(p), str(r)) for p, r in rows.values_list("patient__uuid", "reader__uuid")}
