"""Addresses of a person's own profile. Sign-in and passwords are allauth's, under /accounts/."""

from django.urls import path

from jsnsite.accounts import views

app_name = "accounts"

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/tokens/<uuid:uuid>/revoke/", views.revoke_token, name="revoke_token"),
]
