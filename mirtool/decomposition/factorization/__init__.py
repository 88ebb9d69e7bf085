"""Nonnegative factorisations: models, how they are learned, where they begin, and the sounds of their components."""
