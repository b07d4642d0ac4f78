"""What one trial does: trainers, models, perturbations, data and scores, in plain torch."""
