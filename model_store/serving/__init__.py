"""Serving the models by TorchServe: wire format, handler, archives."""
