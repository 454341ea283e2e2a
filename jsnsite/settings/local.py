"""Everything on one machine, embedded: SQLite, a data folder (``JSN_DATA_DIR``), plain HTTP on loopback."""

import contextlib
import os
import tempfile
from pathlib import Path

import dj_database_url
from django.core.management.utils import get_random_secret_key

from jsnsite.settings.base import *  # noqa: F403
from jsnsite.settings.base import BASE_DIR, INSTALLED_APPS

DATA_DIR = Path(os.environ.get("JSN_DATA_DIR", BASE_DIR / ".demo")).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _kept_secret(path: Path) -> str:
    """The secret in ``path``, made on first use; of processes that start together, one makes it for all."""
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()


DEBUG = os.environ.get("JSN_DEBUG") == "1"
SECRET_KEY = os.environ.get("JSN_SECRET_KEY") or _kept_secret(DATA_DIR / "secret_key")
JSN_UID_SALT = os.environ.get("JSN_UID_SALT") or _kept_secret(DATA_DIR / "uid_salt")
ALLOWED_HOSTS = os.environ.get("JSN_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("JSN_TRUSTED_ORIGINS", "").split(",") if origin]

if database_url := os.environ.get("JSN_DATABASE_URL"):
    DATABASES = {"default": dj_database_url.parse(database_url, conn_max_age=60)}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATA_DIR / "db.sqlite3"),
            "OPTIONS": {
                # A transaction that will write takes the lock at once: no deadlock between web server and
                # worker.
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }

# Shared by all processes, and signing in does not hang on the queue's Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA_DIR / "cache"),
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

MEDIA_ROOT = DATA_DIR / "private"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Uploads carry identities until they are de-identified: they stay inside the data folder.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)
WHITENOISE_USE_FINDERS = True
JSN_DESIGN_PAGE = True
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

if (BASE_DIR / "deploy" / "demo" / "__init__.py").exists():
    INSTALLED_APPS = [*INSTALLED_APPS, "deploy.demo"]
