"""What a failed computation says to the people who see it."""

from __future__ import annotations

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from jsnsite.radiographs.dicom import DicomRejected
from workers.inference import InferenceError


def failure_of(error: Exception) -> tuple[str, str]:
    """Code for programs, and a sentence that says what to do."""
    match error:
        case InferenceError(retryable=True):
            return (
                "inference_unavailable",
                "The models did not answer. Have the inference server looked at, then retry.",
            )
        case InferenceError():
            return "inference_refused", f"The models refused: {error}"
        case SoftTimeLimitExceeded():
            return (
                "time_limit",
                f"The computation took longer than {settings.CELERY_TASK_SOFT_TIME_LIMIT} s. Retry when the "
                "machine is less busy, or tell the administrator.",
            )
        case DicomRejected():
            return "file_damaged", f"The stored film can not be read: {error.message} Upload it again."
        case FileNotFoundError():
            return "file_missing", "The stored film is missing. Tell the administrator, or upload it again."
        case MemoryError():
            return "out_of_memory", "The machine ran out of memory. Retry, or tell the administrator."
        case _:
            return (
                "computation_failed",
                f"The computation stopped with an unexpected error ({type(error).__name__}). Tell the "
                "administrator; the log has the details.",
            )
