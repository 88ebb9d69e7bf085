"""Versions of a piece."""
