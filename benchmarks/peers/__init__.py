"""Other searches for `robustune.replay`: what a user of Optuna or of Syne Tune would write, and nothing more."""
