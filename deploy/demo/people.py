"""Demo accounts, one or more for every role. Their password is public: they exist on loopback only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jsnsite.accounts.models import User
from jsnsite.accounts.services import create_token, grant
from jsnsite.scoping import Role
from jsnsite.studies.models import Site, Study

PASSWORD = "demo-joint-space"  # noqa: S105


@dataclass(frozen=True)
class Account:
    """``role`` None: administrator of the whole system. ``site``: code of the site the role is held at."""

    username: str
    full_name: str
    role: Role | None
    site: str | None
    does: str


ACCOUNTS = (
    Account("admin", "Ada Administrator", None, None, "users, sites and roles in /admin/"),
    Account("manager", "Mara Manager", Role.STUDY_ADMIN, None, "runs the study: patients, uploads, retries"),
    Account("north", "Nora North", Role.SITE_STAFF, "north", "uploads at site north, sees only it"),
    Account("coast", "Carl Coast", Role.SITE_STAFF, "coast", "uploads at site coast, sees only it"),
    Account("hill", "Hanna Hill", Role.SITE_STAFF, "hill", "uploads at site hill, sees only it"),
    Account("reader1", "Rita Reader", Role.REVIEWER, None, "reviews every site's joints"),
    Account("reader2", "Ravi Reader", Role.REVIEWER, None, "reviews as a second reader"),
    Account("trial", "Theo Trial", Role.TRIAL, None, "fetches measurements over REST"),
)


def make_accounts(study: Study) -> None:
    """Make the accounts that are missing and give them their roles; changed passwords stay."""
    sites = {site.code: site for site in Site.objects.filter(study=study)}
    for account in ACCOUNTS:
        first, last = account.full_name.split()
        user, is_new = User.objects.get_or_create(
            username=account.username,
            defaults={
                "first_name": first,
                "last_name": last,
                "email": f"{account.username}@example.org",
                "is_staff": account.role is None,
                "is_superuser": account.role is None,
            },
        )
        if is_new:
            user.set_password(PASSWORD)
            user.save()
        if account.role is not None:
            grant(user=user, role=account.role, study=study, site=sites.get(account.site or ""))


def api_token(file: Path) -> str:
    """The trial account's REST token; made once and kept in ``file``: the database has its hash only."""
    if not file.exists():
        _, secret = create_token(user=User.objects.get(username="trial"), name="demo")
        file.touch(mode=0o600)
        file.write_text(secret)
    return file.read_text()
