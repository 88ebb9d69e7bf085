"""Retrieval: what is like a query, from the same recording to the same kind of music."""
