"""The models: networks, weights, handlers and archives for TorchServe, training, the radiograph phantom."""
