"""Decomposition informed by scores, down to single notes."""
