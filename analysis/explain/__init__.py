"""What networks do inside: their activations, weights and likeness as Arrow tables. Torch is known here alone."""
