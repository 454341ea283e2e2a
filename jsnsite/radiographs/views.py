"""Intake of films, their previews, and what a person has to add to them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jsnsite.errors import DomainError
from jsnsite.pages.shortcuts import SignedInRequest, refusals_as_messages, with_names
from jsnsite.radiographs import queries, services
from jsnsite.radiographs.forms import LateralityForm, SpacingForm, UploadForm
from jsnsite.radiographs.models import Radiograph
from jsnsite.studies import queries as study_queries


@login_required
@require_POST
def upload(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take in files. The page's script sends one at a time and gets its verdict as a row; a plain form sends all."""
    timepoint = study_queries.timepoint_or_404(request.user, uuid)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose one or more files first."))
        return redirect("studies:timepoint", uuid)
    user, side = request.user, form.cleaned_data["laterality"] or None
    try:
        records = [
            services.receive(file=file, name=file.name, timepoint=timepoint, laterality=side, user=user)
            for file in form.cleaned_data["file"]
        ]
    except DomainError as refusal:
        return render(request, "403.html", {"refusal": refusal}, status=refusal.http_status)
    if not request.htmx:
        return redirect("studies:timepoint", uuid)
    return render(request, "studies/_verdicts.html", {"uploads": with_names(records, user)})


@login_required
@require_safe
def preview(request: SignedInRequest, uuid: UUID) -> HttpResponseBase:
    """The film as an 8-bit picture, which never changes."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Cookie"}
    return FileResponse(radiograph.preview.open("rb"), content_type="image/png", headers=headers)


@login_required
@require_POST
def spacing(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Enter the pixel spacing of a film that came without."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = SpacingForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Enter the pixel spacing as a number in mm, such as 0.143."))
        return _back(request, radiograph)
    with refusals_as_messages(request):
        services.set_spacing(radiograph=radiograph, user=request.user, **form.cleaned_data)
        messages.success(request, _("Spacing saved. The film is being processed."))
    return _back(request, radiograph)


@login_required
@require_POST
def laterality(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Decide the side of a film whose image looks like the other hand."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    form = LateralityForm(request.POST)
    with refusals_as_messages(request):
        side = form.cleaned_data["laterality"] if form.is_valid() else ""
        radiograph = services.settle_laterality(radiograph=radiograph, laterality=side, user=request.user)
        messages.success(request, _("Side saved. The film is being processed."))
    return _back(request, radiograph)


@login_required
@require_POST
def retry(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Look for the joints of a failed film again."""
    radiograph = queries.radiograph_or_404(request.user, uuid)
    with refusals_as_messages(request):
        services.retry_radiograph(radiograph=radiograph, user=request.user)
        messages.success(request, _("The film is being processed again."))
    return _back(request, radiograph)


def _back(request: SignedInRequest, radiograph: Radiograph) -> HttpResponse:
    """To the page that the form was on: the film's own, or that of its visit."""
    if request.POST.get("on") == "film":
        return redirect("radiographs:film", radiograph.uuid)
    return redirect("studies:timepoint", radiograph.timepoint.uuid)
