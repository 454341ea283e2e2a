"""For real: everything from the environment, HTTPS only. A missing variable stops the start with its name."""

import os
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from jsnsite.settings.base import *  # noqa: F403
from jsnsite.settings.base import STORAGES
from jsnsite.settings.redis_urls import cache_url


def _required(name: str) -> str:
    """The variable's value, or that of the file ``<name>_FILE`` points to (container secrets)."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    raise ImproperlyConfigured(f"Set {name} (or {name}_FILE) in the environment.")


SECRET_KEY = _required("JSN_SECRET_KEY")
JSN_UID_SALT = _required("JSN_UID_SALT")
ALLOWED_HOSTS = _required("JSN_ALLOWED_HOSTS").split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
DATABASES = {
    "default": dj_database_url.parse(_required("JSN_DATABASE_URL"), conn_max_age=600, conn_health_checks=True)
}
DATA_DIR = Path(_required("JSN_DATA_DIR"))
MEDIA_ROOT = DATA_DIR / "private"
STATIC_ROOT = Path(os.environ.get("JSN_STATIC_ROOT", DATA_DIR / "static"))
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": cache_url(_required("JSN_REDIS_URL")),
    }
}
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}

SECURE_SSL_REDIRECT = True
# The container's own health probe speaks plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_SECURE = True
LANGUAGE_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrftoken"
# How many proxies of ours stand in front: their X-Forwarded-For entries are believed, for rate limits.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("JSN_TRUSTED_PROXIES", "1"))

EMAIL_HOST = os.environ.get("JSN_EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("JSN_EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("JSN_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("JSN_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("JSN_EMAIL_TLS", "1") == "1"
DEFAULT_FROM_EMAIL = os.environ.get("JSN_EMAIL_FROM", "jsn@localhost")
