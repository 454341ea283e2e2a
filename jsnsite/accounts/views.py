"""A person's own profile: roles and tokens for the REST interface."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from jsnsite.accounts import queries, services
from jsnsite.accounts.forms import TokenForm
from jsnsite.pages.shortcuts import SignedInRequest, refusals_as_messages


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Roles and tokens. A new token's secret is in this one answer and nowhere else."""
    user = request.user
    form = TokenForm(request.POST or None)
    secret = None
    if request.method == "POST" and form.is_valid():
        with refusals_as_messages(request):
            _, secret = services.create_token(user=user, name=form.cleaned_data["name"])
            form = TokenForm()
    context = {
        "form": form,
        "secret": secret,
        "tokens": queries.tokens_of(user),
        "roles": queries.roles_of(user),
    }
    return render(request, "accounts/profile.html", context)


@login_required
@require_POST
def revoke_token(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    services.revoke_token(user=request.user, token_uuid=uuid)
    messages.success(request, gettext("The token no longer works."))
    return redirect("accounts:profile")
