from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "jsnsite.accounts"
    verbose_name = "Accounts and roles"
