"""Rhythm: onsets, tempograms, predominant local pulse, tempo and beats (FMP, Chapter 6)."""
