"""The model of a voice with its filter and an accompaniment: updates by definition, descent."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mirtool.decomposition.source_filter import divergence, filter_bands, learn, random_model

few = settings(max_examples=30, deadline=None)


def example(seed, frames=12, bins=20):
    rng = np.random.default_rng(seed)
    comb = rng.random((frames, bins)).astype(np.float32) ** 4
    comb[rng.random(frames) < 0.3] = 0
    V = rng.random((frames, bins)).astype(np.float32) ** 2
    return V, random_model(comb, filter_bands(np.linspace(0, 8000, bins), 6), 3, 4, seed)


@few
@given(st.integers(0, 2**16))
def test_the_divergence_never_rises(seed):
    V, model = example(seed)
    before = divergence(V, model)
    for _ in range(8):
        model = learn(V, model, 1)
        after = divergence(V, model)
        assert after <= before + 1e-4 * abs(before)
        before = after


def test_one_update_by_definition():
    """Every factor times Σ (V / V') ∂V' over Σ ∂V', entry by entry (Durrieu et al., 2011)."""
    V, model = example(3, 4, 6)
    C, B, S, G, H, W = (
        np.asarray(factor, np.float64)
        for factor in (model.comb, model.bands, model.shapes, model.gains, model.activations, model.templates)
    )
    N, F = V.shape

    def ratio():
        return V / (C * (G @ S @ B) + H @ W + 1e-6)

    Q = ratio()
    sung = C.any(axis=1)
    G_new, H_new = np.zeros_like(G), H.copy()
    for n in range(N):
        for k in range(G.shape[1]):
            slope = C[n] * (S[k] @ B)
            G_new[n, k] = G[n, k] * (Q[n] @ slope) / slope.sum() if sung[n] else 0
        for r in range(H.shape[1]):
            H_new[n, r] = H[n, r] * (Q[n] @ W[r]) / W[r].sum()
    G, H = G_new, H_new
    Q = ratio()
    S_new, W_new = S.copy(), W.copy()
    for k in range(S.shape[0]):
        for p in range(S.shape[1]):
            slope = C * np.outer(G[:, k], B[p])
            S_new[k, p] *= (Q * slope).sum() / slope.sum()
    for r in range(W.shape[0]):
        for f in range(F):
            W_new[r, f] *= Q[:, f] @ H[:, r] / H[:, r].sum()
    found = learn(V, model, 1)
    for name, expected in {"gains": G, "activations": H, "shapes": S_new, "templates": W_new}.items():
        np.testing.assert_allclose(getattr(found, name), expected, rtol=2e-4, err_msg=name)


def test_a_voice_that_comes_once_is_told_from_spectra_that_come_again():
    rng = np.random.default_rng(0)
    bins = np.linspace(0, 8000, 200)
    chords = rng.random((3, 200)) ** 8
    accompaniment = np.repeat(rng.random((60, 3)), 1, axis=0) @ chords
    centres = 300 + 40 * np.sin(np.arange(60) / 5)
    comb = np.exp(-0.5 * ((bins - np.maximum(np.round(bins / centres[:, None]), 1) * centres[:, None]) / 40) ** 2)
    comb = comb.astype(np.float32)
    comb[20:40] = 0
    voice = comb * np.exp(-bins / 2000)
    V = (accompaniment + voice).astype(np.float32)
    V /= V.mean()
    model = learn(V, random_model(comb, filter_bands(bins, 12), 4, 6), 60)
    share = model.voice / (model.voice + model.accompaniment + 1e-9)
    truth = voice / (voice + accompaniment + 1e-9)
    heard = V > 0.5
    assert np.abs(share - truth)[heard].mean() < 0.1
    assert not model.voice[20:40].any()


def test_frames_without_voice_alone():
    V, model = example(5)
    silent = replace(model, comb=np.zeros_like(model.comb))
    assert not learn(V, silent, 3).voice.any()
    assert np.isfinite(learn(np.zeros_like(V), model, 3).accompaniment).all()


def test_bands_overlap_to_a_smooth_whole():
    bands = filter_bands(np.linspace(0, 8000, 513), 20)
    assert bands.shape == (20, 513)
    total = bands.sum(axis=0)
    assert total[50:-50].min() > 1.9
    assert total[50:-50].max() < 2.1
