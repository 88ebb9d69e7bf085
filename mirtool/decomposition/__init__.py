"""Decomposition: sound taken apart into sources, components and notes (FMP, Chapter 8)."""
