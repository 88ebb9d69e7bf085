"""Transcription: what was played when."""
