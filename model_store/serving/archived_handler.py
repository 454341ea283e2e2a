"""The file that goes into every archive: TorchServe looks for exactly one class in it."""

from model_store.serving.handler import OpenInferenceHandler


class Handler(OpenInferenceHandler):
    """Loaded by TorchServe."""
