"""The site as a whole: settings, health, admin, headers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import DatabaseError
from django.urls import reverse

from jsnsite.measurements.models import JointMeasurement, Run
from jsnsite.radiographs.models import JointAnnotation, Radiograph, UploadRecord
from jsnsite.reviews.models import Read
from jsnsite.settings.redis_urls import broker_url, cache_url

ROOT = Path(__file__).parents[2]


def test_migrations_say_what_the_models_say(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_health_is_true(client, db):
    assert client.get("/healthz").json() == {"status": "ok"}
    with patch("jsnsite.health.connection.cursor", side_effect=DatabaseError):
        assert client.get("/healthz").status_code == 503


def test_no_inline_script_or_style_is_allowed(client, db):
    policy = client.get("/healthz").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model.__name__)
def test_every_admin_list_and_page_opens(client, world, measured, model):
    client.force_login(world.superuser)
    meta = model._meta
    assert client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")).status_code == 200
    row = model._default_manager.first()
    if row:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
        assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "model",
    [JointMeasurement, Run, Read, JointAnnotation, Radiograph, UploadRecord],
    ids=lambda model: model.__name__,
)
def test_what_the_system_writes_is_read_only_in_the_admin(rf, world, model):
    request = rf.get("/")
    request.user = world.superuser
    page = admin.site._registry[model]
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


def test_an_administrator_makes_a_token_and_sees_it_once(client, world):
    client.force_login(world.superuser)
    url = reverse("admin:accounts_apitoken_add")
    response = client.post(url, {"name": "script", "user": world.trial_one.pk}, follow=True)
    assert b"jsn_" in response.content
    assert b"jsn_" not in client.get(reverse("admin:accounts_apitoken_changelist")).content


def test_redis_on_a_socket_is_spelled_for_each_client():
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"
    assert cache_url("redis+socket:///run/redis.sock") == "unix:///run/redis.sock"
    assert broker_url("redis://h:1/0") == cache_url("redis://h:1/0") == "redis://h:1/0"


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JSN_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_local_secret_is_made_once_in_the_data_folder(tmp_path):
    code = "from jsnsite.settings import local; print(local.SECRET_KEY)"
    first, second = (python(code, JSN_DATA_DIR=str(tmp_path)).stdout for _ in range(2))
    assert len(first.strip()) == 50 and first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_production_names_what_is_missing_and_passes_the_deployment_check(tmp_path):
    production = {"DJANGO_SETTINGS_MODULE": "jsnsite.settings.production"}
    missing = python("import django; django.setup()", **production)
    assert "Set JSN_SECRET_KEY" in missing.stderr
    secret = tmp_path / "secret"
    secret.write_text("s" * 60 + "0123456789\n")
    environment = production | {
        "JSN_SECRET_KEY_FILE": str(secret),
        "JSN_UID_SALT": "salt",
        "JSN_ALLOWED_HOSTS": "jsn.example.org",
        "JSN_DATABASE_URL": "postgres://u:p@localhost/jsn",
        "JSN_REDIS_URL": "redis://localhost:6379/0",
        "JSN_DATA_DIR": str(tmp_path),
    }
    check = "from django.core.management import call_command as c; import django; django.setup(); "
    result = python(check + "c('check', deploy=True, fail_level='WARNING')", **environment)
    assert result.returncode == 0, result.stderr
