"""The joint page and the arrays that it shows."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_POST, require_safe

from jsnsite.measurements import artifacts, layers, queries, services
from jsnsite.measurements.models import JointMeasurement
from jsnsite.measurements.strips import interval_mm, strips
from jsnsite.measurements.way import way
from jsnsite.pages.shortcuts import SignedInRequest, refusals_as_messages
from jsnsite.pages.words import direction
from jsnsite.reviews import queries as review_queries
from jsnsite.reviews.models import ReadVerdict, ReasonCode

#: How the pictures are arranged, as ``?mode=`` has it: the page comes in this arrangement from the start.
MODES = ("side", "flicker", "swipe")


@login_required
@require_safe
def measurement(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One joint of one pair of films: pictures, number, doubts, and the reader's verdict."""
    found = queries.measurement_or_404(request.user, uuid)
    siblings = list(queries.siblings(request.user, found))
    is_current = any(sibling.pk == found.pk for sibling in siblings)
    mode = request.GET.get("mode")
    slope, sdc_mm = queries.line_and_sdc(request.user, found)
    context = {
        "slope": slope,
        "sdc_mm": sdc_mm,
        "measurement": found,
        "patient": found.followup.timepoint.patient,
        "is_current": is_current,
        "is_evidence": not is_current and queries.is_evidence(found),
        "versions": _versions(request, found),
        "way": way(request, found, siblings),
        "mode": mode if mode in MODES else MODES[0],
        "motion": _motion(found),
        **_numbers(found),
        **_reads(request, found),
    }
    context |= _over_time(found, siblings, show_flags=not context["independent"])
    return render(request, "measurements/measurement.html", context)


def _versions(request: SignedInRequest, found: JointMeasurement) -> list[JointMeasurement]:
    """Every measurement of this joint on this pair of films, newest first: what a correction replaced stays."""
    of_pair = queries.measurements(request.user).filter(
        joint=found.joint, run__baseline=found.run.baseline_id, run__followup=found.run.followup_id
    )
    return list(of_pair.order_by("-run__attempt"))


def _numbers(found: JointMeasurement) -> dict[str, Any]:
    interval = interval_mm(found)
    half_width = None if interval is None else (interval[1] - interval[0]) / 2
    return {"interval": interval, "direction": direction(found.jsn_mm, half_width)}


def _reads(request: SignedInRequest, found: JointMeasurement) -> dict[str, Any]:
    """The reader's own verdict, and the others' where they would not sway it."""
    may_read = review_queries.may_read(request.user, found)
    independent = review_queries.reads_independently(request.user, may_read=may_read)
    reads = review_queries.reads_shown(request.user, found, independent=independent)
    newest = next((read for read in reads if read.reader_id == request.user.pk), None)
    return {
        "may_read": may_read,
        "independent": independent,
        "reads": reads,
        "own_read": newest if newest and newest.verdict != ReadVerdict.WITHDRAWN else None,
        "reason_codes": ReasonCode.choices,
    }


def _over_time(
    found: JointMeasurement, siblings: list[JointMeasurement], *, show_flags: bool
) -> dict[str, Any]:
    """This joint at every follow-up, and those right before and after this one."""
    same = [s for s in siblings if s.joint == found.joint]
    same.sort(key=lambda sibling: sibling.followup.timepoint.ordinal)
    ordinal = found.followup.timepoint.ordinal
    earlier = [s for s in same if s.followup.timepoint.ordinal < ordinal]
    later = [s for s in same if s.followup.timepoint.ordinal > ordinal]
    drawn, range_mm = strips(same, show_flags=show_flags)
    return {
        "over_time": drawn,
        "range_mm": range_mm,
        "earlier": earlier[-1] if earlier else None,
        "later": later[0] if later else None,
    }


def _motion(found: JointMeasurement) -> str:
    """What the viewer draws as arrows: dx, dy in mm, rotation in degrees clockwise, scale of each bone; "" where a
    number is missing.
    """
    bones = {
        bone: [getattr(found, f"{bone}_{name}", None) for name in ("dx_mm", "dy_mm", "rotation_deg", "scale")]
        for bone in ("upper", "lower")
    }
    return "" if any(None in numbers for numbers in bones.values()) else json.dumps(bones)


def _layers_etag(request: SignedInRequest, uuid: UUID) -> str | None:
    seen = queries.measurements(request.user).filter(uuid=uuid).exists()
    return f'"{uuid}-{layers.FORMAT}"' if seen else None


@login_required
@require_safe
@condition(etag_func=_layers_etag)
def measurement_layers(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The arrays of a measurement, which never change: kept by the browser, and by nobody between."""
    arrays = artifacts.load(queries.measurement_or_404(request.user, uuid))
    if not arrays:
        raise Http404
    return HttpResponse(
        layers.encode(arrays),
        content_type="application/octet-stream",
        headers={"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Cookie"},
    )


@login_required
@require_POST
def retry(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask for a failed run again, as a new run."""
    run = queries.run_or_404(request.user, uuid)
    with refusals_as_messages(request):
        services.retry_run(run, user=request.user)
        messages.success(request, _("The run is queued again."))
    return redirect("studies:timepoint", run.followup.timepoint.uuid)
