"""What computed a run: models, code, settings."""

from __future__ import annotations

from jsnsite.measurements.services import Provenance
from workers.inference import InferenceBackend
from workers.version import code_version


def provenance(backend: InferenceBackend) -> Provenance:
    """Of a run that ``backend`` has just computed."""
    return Provenance(
        model_digests=backend.model_digests(),
        code_version=code_version(),
        parameters={"inference": type(backend).__name__},
    )
