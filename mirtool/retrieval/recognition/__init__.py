"""Recognition of recordings by fingerprints."""
