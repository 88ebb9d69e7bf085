"""Music of a kind."""
