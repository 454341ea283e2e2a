"""The computation: a pure pipeline, inference backends, and the Celery tasks around them."""
