"""Corrupts image files: pictures of a folder in, a folder for every corruption and severity out."""
