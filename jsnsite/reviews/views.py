"""The worklist, and a reader's verdict on a measurement."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from jsnsite.accounts.models import User
from jsnsite.errors import DomainError
from jsnsite.measurements import queries as measurement_queries
from jsnsite.measurements.models import JointMeasurement
from jsnsite.pages.shortcuts import SignedInRequest
from jsnsite.reviews import services
from jsnsite.reviews.filters import readable_sites
from jsnsite.reviews.forms import ReadForm
from jsnsite.reviews.models import ReadVerdict
from jsnsite.reviews.worklist import Worklist

DONE = {
    ReadVerdict.ACCEPTED: gettext_lazy("Accepted."),
    ReadVerdict.FLAGGED: gettext_lazy("Flagged. The trend and the export show it at once."),
    ReadVerdict.WITHDRAWN: gettext_lazy("Your verdict is withdrawn; the record keeps it."),
}


@login_required
@require_safe
def worklist(request: SignedInRequest) -> HttpResponse:
    """Joints that ask for a reader, most doubtful first."""
    found = Worklist(request)
    progress = found.progress
    context = {
        "filters": found.filters,
        "page": found.page(request.GET.get("page")),
        "progress": progress,
        "statuses": [
            ("", _("To read"), progress.left),
            ("accepted", _("Accepted"), progress.accepted),
            ("flagged", _("Flagged"), progress.flagged),
            ("all", _("All"), progress.total),
        ],
        "status": found.status,
        "filtered": found.filters.query(status=""),
        "way": "?" + found.filters.query(list="worklist"),
        "is_reader": progress.total > 0 or readable_sites(request).exists(),
    }
    return render(request, "reviews/worklist.html", context)


@login_required
@require_POST
def read(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Record a verdict. Script gets an answer as JSON; a plain form comes back to a page."""
    measurement = measurement_queries.measurement_or_404(request.user, uuid)
    address = reverse("measurements:measurement", args=[uuid])
    as_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    form = ReadForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest(_("Not a verdict."))
    try:
        _record(measurement, request.user, form)
    except DomainError as refusal:
        if as_json:
            return JsonResponse({"message": str(refusal)}, status=refusal.http_status)
        messages.error(request, str(refusal))
        return redirect(address)
    done = DONE[ReadVerdict(form.cleaned_data["verdict"])]
    if as_json:
        return JsonResponse({"message": str(done)})
    messages.success(request, done)
    return redirect(_next(request) or address)


def _next(request: SignedInRequest) -> str:
    """Where the form wants to go on, if that is a page of this site."""
    wanted = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else ""


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
