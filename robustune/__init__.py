"""Runs a study: `from robustune import search`, or the command `robustune`."""
