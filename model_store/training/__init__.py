"""Training of the models on the phantom: ``python -m model_store.training {locator,segmenter}``."""
