"""Bytes to containers and back: the near end of every command."""
