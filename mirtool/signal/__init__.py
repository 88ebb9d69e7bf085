"""Transforms of sound: short-time Fourier transform, resampling, filter banks, time-scale modification."""
