"""What every public object has: a random id. Sequential keys stay inside the database."""

from uuid import uuid4

from django.db import models


class PublicModel(models.Model):
    """Abstract: a UUIDv4 for addresses, API and logs. Templates and serializers show ``uuid``, never
    ``pk``.
    """

    uuid = models.UUIDField("public id", default=uuid4, unique=True, editable=False)

    class Meta:
        abstract = True
