"""The worklist, and a reader's verdict on a measurement."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from jsnsite.accounts.models import User
from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest, page_of, refusals_as_messages
from jsnsite.reviews import queries, services
from jsnsite.reviews.filters import WorklistFilter
from jsnsite.reviews.forms import ReadForm
from jsnsite.reviews.models import ReadVerdict

DONE = {
    ReadVerdict.ACCEPTED: "Accepted.",
    ReadVerdict.FLAGGED: "Flagged. The trend and the export show it at once.",
    ReadVerdict.WITHDRAWN: "Your verdict is withdrawn; the record keeps it.",
}


@login_required
@require_safe
def worklist(request: SignedInRequest) -> HttpResponse:
    """Joints that ask for a reader and that this reader has not read, worst first."""
    filters = WorklistFilter(request.GET, queryset=queries.worklist(request.user), request=request)
    return render(
        request, "reviews/worklist.html", {"filters": filters, "page": page_of(request, filters.qs)}
    )


@login_required
@require_POST
def read(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Record a verdict and come back to the joint."""
    measurement = measurement_queries.measurement_or_404(request.user, uuid)
    form = ReadForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("Not a verdict.")
    with refusals_as_messages(request):
        _record(measurement, request.user, form)
        messages.success(request, DONE[ReadVerdict(form.cleaned_data["verdict"])])
    return redirect("measurements:measurement", measurement.uuid)


def _record(measurement: JointMeasurement, reader: User, form: ReadForm) -> None:
    given = form.cleaned_data
    if given["verdict"] == ReadVerdict.ACCEPTED:
        services.accept(measurement=measurement, reader=reader, comment=given["comment"])
    elif given["verdict"] == ReadVerdict.FLAGGED:
        services.flag(
            measurement=measurement, reader=reader, reason_code=given["reason_code"], comment=given["comment"]
        )
    else:
        services.withdraw(measurement=measurement, reader=reader)
