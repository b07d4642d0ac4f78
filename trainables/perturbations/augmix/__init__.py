"""AugMix (Hendrycks et al. 2020) on whole batches of uint8 tensors, and the consistency loss that goes with it."""
