"""Settings that hold everywhere. Environment variables have the prefix ``JSN_``.

``local``, ``production`` and ``test`` add what differs: database, secrets, transport security.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from jsnsite.settings.redis_urls import broker_url

BASE_DIR = Path(__file__).resolve().parents[2]

# --- Django -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "jsnsite.accounts",
    "jsnsite.studies",
    "jsnsite.radiographs",
    "jsnsite.measurements",
    "jsnsite.reviews",
    "jsnsite.exports",
    "jsnsite.pages",
    "workers",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_filters",
    "django_htmx",
    "django_vite",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "rules.apps.AutodiscoverRulesConfig",
    "simple_history",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "jsnsite.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "jsnsite.throttling.PageWriteMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "frontend" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "jsnsite.urls"
WSGI_APPLICATION = "jsnsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DEBUG = False
TIME_ZONE = "UTC"
USE_TZ = True

# --- Languages: names in their own language, as who looks for one reads them ------------------------

USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "jsnsite" / "locale"]
FORMAT_MODULE_PATH = ["jsnsite.formats"]
USE_THOUSAND_SEPARATOR = False
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- Files ------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.exists() else []
DJANGO_VITE = {"default": {"dev_mode": False, "manifest_path": FRONTEND_DIST / "manifest.json"}}

# The default storage is private: it has no address. Views hand files out after the scope check.
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "jsnsite.storage.PrivateFileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_NUMBER_FILES = 500

# --- Accounts: allauth signs people in; only an administrator makes an account ----------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "jsnsite.accounts.adapter.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
# Per address and per name; allauth's own defaults cover the rest.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "20/m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "JSN"

SESSION_COOKIE_AGE = int(timedelta(hours=8).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# --- What the browser may do ------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# --- REST: a view that names no permission refuses everyone -----------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jsnsite.exports.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["jsnsite.accounts.rest.DenyAll"],
    "DEFAULT_FILTER_BACKENDS": ["jsnsite.exports.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "jsnsite.exports.pagination.UuidCursorPagination",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["jsnsite.exports.parsers.ShallowJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "jsnsite.exports.errors.answer",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.ScopedRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": "30/min",
        "user": "600/min",
        "upload": "120/min",
        "export": "30/min",
        # On pages (``jsnsite.throttling``): no reader judges 20 joints a second, no upload sends 20 films.
        "page_write": "1200/min",
    },
}
REST_KNOX = {
    "TOKEN_MODEL": "accounts.ApiToken",
    "TOKEN_TTL": timedelta(days=365),
    "AUTO_REFRESH": False,
    "TOKEN_PREFIX": "jsn_",
    "AUTH_HEADER_PREFIX": "Token",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"
# Its own token model is swapped for ours, so its tables are not made.
MIGRATION_MODULES = {"knox": None}

SPECTACULAR_SETTINGS = {
    "TITLE": "JSN",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jsnsite.exports.schema.describe",
    ],
    # Without a name each, fields that share a name and not their values would be called by a hash.
    "ENUM_NAME_OVERRIDES": {
        "RadiographState": "jsnsite.radiographs.models.RadiographState",
        "RunState": "jsnsite.measurements.models.RunState",
        "UploadVerdict": "jsnsite.radiographs.models.Verdict",
        "ReadVerdict": "jsnsite.reviews.models.ReadVerdict",
        "ReasonCode": "jsnsite.reviews.models.ReasonCode",
        "SpacingSource": "jsnsite.radiographs.models.SpacingSource",
        "Laterality": "jsnsite.radiographs.models.Laterality",
    },
}

# --- Celery: a task outlives its worker and is done once ---------------------------------------------

JSN_REDIS_URL = os.environ.get("JSN_REDIS_URL", "redis://127.0.0.1:6379/0")
JSN_TASK_TIME_LIMIT_S = int(os.environ.get("JSN_TASK_TIME_LIMIT_S", "300"))

CELERY_BROKER_URL = broker_url(JSN_REDIS_URL)
CELERY_IMPORTS = ("workers.tasks",)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = JSN_TASK_TIME_LIMIT_S
CELERY_TASK_SOFT_TIME_LIMIT = int(JSN_TASK_TIME_LIMIT_S * 0.9)
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 3,
    "interval_start": 0.1,
    "interval_step": 0.2,
    "interval_max": 1,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the time limit: a task still running is never handed to a second worker.
    "visibility_timeout": JSN_TASK_TIME_LIMIT_S + 15,
    # Look for messages of lost workers every second, not every few minutes.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
}

# --- The design system's own page, /design/: where pages are made, not where they are used --------------

JSN_DESIGN_PAGE = False

# --- Intake and measurement -------------------------------------------------------------------------

JSN_MAX_UPLOAD_BYTES = 200 * 1024 * 1024
#: A claim older than this belongs to a worker that is gone: tasks are killed at their time limit.
JSN_CLAIM_STALE_AFTER = timedelta(seconds=JSN_TASK_TIME_LIMIT_S + 10)
#: How often one run may be claimed before it is failed as one that takes its worker down.
JSN_MAX_CLAIMS = 3

# --- Logging: events and public ids, never names, file names or tag values ---------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "null": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("JSN_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # pydicom and its decoders quote the values they stumble over, and those may be a name or a date.
        "pydicom": {"handlers": ["null"], "level": "CRITICAL", "propagate": False},
        "pylibjpeg": {"handlers": ["null"], "level": "CRITICAL", "propagate": False},
    },
}
