"""Music synchronisation: dynamic time warping, multiscale, subsequence, paths."""
