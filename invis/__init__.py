"""Invis shows what a neural network ignores."""

__version__ = "0.1.0"
