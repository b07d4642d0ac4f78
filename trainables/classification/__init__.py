"""Image classification: options, trainer, scores and the sets it needs."""
