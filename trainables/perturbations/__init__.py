"""Disturbances of weights and inputs, each a pure function of its arguments and a generator."""
