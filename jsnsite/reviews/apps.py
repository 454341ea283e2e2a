from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "jsnsite.reviews"
    verbose_name = "Reviews"
