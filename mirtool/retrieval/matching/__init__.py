"""Excerpts in other performances."""
