"""The joint page and the arrays that it shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import condition, require_POST, require_safe

from jsnsite.measurements import artifacts, queries, services
from jsnsite.measurements.layers import LAYERS, encode
from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest, refusals_as_messages
from jsnsite.pages.spark import Z_95
from jsnsite.pages.words import direction
from jsnsite.reviews import queries as review_queries
from jsnsite.reviews.models import ReasonCode


@login_required
@require_safe
def measurement(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    found = queries.measurement_or_404(request.user, uuid)
    half_width = None if found.jsn_sigma_mm is None else Z_95 * found.jsn_sigma_mm
    context = {
        "measurement": found,
        "patient": found.baseline.timepoint.patient,
        "direction": direction(found.jsn_mm, half_width),
        "is_current": queries.is_current(found),
        "history": review_queries.reads(request.user).filter(measurement=found),
        "own_read": review_queries.own_read(request.user, found),
        "may_read": review_queries.may_read(request.user, found),
        "reason_codes": ReasonCode.choices,
    }
    return render(request, "measurements/measurement.html", context | _neighbours(request, found))


def _neighbours(request: SignedInRequest, measurement: JointMeasurement) -> dict[str, Any]:
    """The joints beside this one on the same pair of films, and the same joint at other timepoints."""
    siblings = list(queries.siblings(request.user, measurement))
    order = measurement.followup.study.joints
    joints = [s for s in siblings if s.run_id == measurement.run_id and s.joint in order]
    joints.sort(key=lambda sibling: order.index(sibling.joint))
    place = next((i for i, s in enumerate(joints) if s.pk == measurement.pk), None)
    over_time = [s for s in siblings if s.joint == measurement.joint]
    over_time.sort(key=lambda sibling: sibling.followup.timepoint.ordinal)
    return {
        "joints": joints,
        "over_time": over_time,
        "previous": joints[place - 1] if place else None,
        "next": joints[place + 1] if place is not None and place + 1 < len(joints) else None,
    }


def _layer_etag(request: SignedInRequest, uuid: UUID, layer: str) -> str | None:
    return f'"{uuid}-{layer}"' if queries.measurements(request.user).filter(uuid=uuid).exists() else None


@login_required
@require_safe
@condition(etag_func=_layer_etag)
def layer(request: SignedInRequest, uuid: UUID, layer: str) -> HttpResponse:
    """One array of a measurement, which never changes: kept by the browser, and by nobody between."""
    found = queries.measurement_or_404(request.user, uuid)
    arrays = artifacts.load(found)
    if layer not in LAYERS or layer not in arrays:
        raise Http404
    encoded = encode(arrays[layer], layer)
    return HttpResponse(
        encoded.body,
        content_type="application/octet-stream",
        headers={
            "X-Shape": "{},{}".format(*encoded.shape),
            "X-Scale": f"{encoded.slope!r},{encoded.intercept!r}",
            "X-Spacing-Mm": repr(float(arrays["pixel_spacing_mm"])),
            "Cache-Control": "private, max-age=31536000, immutable",
            "Vary": "Cookie",
        },
    )


@login_required
@require_POST
def retry(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask for a failed run again, as a new run."""
    run = queries.run_or_404(request.user, uuid)
    with refusals_as_messages(request):
        services.retry_run(run, user=request.user)
        messages.success(request, "The run is queued again.")
    return redirect("studies:timepoint", run.followup.timepoint.uuid)
