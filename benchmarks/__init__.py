"""Ours beside the peer, in turn, in one process run: `python -m benchmarks`."""
