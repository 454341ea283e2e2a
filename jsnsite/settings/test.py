"""For tests: nothing outside this process but temporary folders. ``JSN_DATABASE_URL`` runs them on
PostgreSQL.
"""

import os
import tempfile
from pathlib import Path

import dj_database_url

from jsnsite.settings.base import *  # noqa: F403
from jsnsite.settings.base import BASE_DIR, FRONTEND_DIST, INSTALLED_APPS

DATA_DIR = Path(os.environ.get("JSN_DATA_DIR") or tempfile.mkdtemp(prefix="jsn-test-"))
MEDIA_ROOT = DATA_DIR / "private"
STATIC_ROOT = DATA_DIR / "static"
FILE_UPLOAD_TEMP_DIR = DATA_DIR

SECRET_KEY = "test-only"
JSN_UID_SALT = "test-only"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES = {
    "default": dj_database_url.parse(os.environ.get("JSN_DATABASE_URL") or "sqlite://:memory:"),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: the live server's threads then have connections of their own, as in earnest.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
    }
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
JSN_DESIGN_PAGE = True
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# Pages render without a build: where there is none, tags point at a development server nobody asks.
DJANGO_VITE = {
    "default": {
        "dev_mode": not (FRONTEND_DIST / "manifest.json").exists(),
        "manifest_path": FRONTEND_DIST / "manifest.json",
    }
}

if (BASE_DIR / "deploy" / "demo" / "__init__.py").exists():
    INSTALLED_APPS = [*INSTALLED_APPS, "deploy.demo"]
