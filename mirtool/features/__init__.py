"""Representations of music: spectrogram, chroma, CENS, DLNCO, novelty."""
