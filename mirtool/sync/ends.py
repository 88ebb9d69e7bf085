"""Which parts of two versions belong together: silence, applause and different beginnings left out; excerpts found.

At the coarsest level a frame that meets nothing is put before and behind either version. Staying in it costs a fixed
amount a frame of the other version, between what frames cost that belong together and what unrelated frames cost; so
the best path passes over frames at the ends only if the other version has nothing like them.
"""

import numpy as np

from mirtool.sync.dtw import dtw
from mirtool.sync.multiscale import Box, Pair
from mirtool.sync.streams import Frames

_SILENT = 3e-4  # of the energy of loud frames, -35 dB
_SHORTEST = 1.5  # seconds; what is shorter stays in
# Of the way from the cost of matching frames to that of unrelated ones. It may be low: to pass over frames of one
# version does not pay where the other one has their like, which would then have to be squeezed into no time.
_PRICE = 0.15
_LEAD = 0.3  # seconds of silence that stay before the first sound, so that its onset is seen


def common_box(pair: Pair) -> Box:
    """Return the box of what both versions have, without what only one has at its beginning or end."""
    level = pair.levels[0]
    whole = pair.levels[-1].whole
    sound = _sounding(pair, whole)
    part = sound.coarser(level.factor)
    X, Y = level.embedded(part)
    steps, weights = pair.parameters.steps, pair.parameters.step_weights
    if pair.parameters.band is not None or min(X.shape[1], Y.shape[1]) < 8:
        return sound
    path, _ = dtw(X, Y, "classic", weights if steps == "classic" else None, bias=pair.bias)
    n, m = (path + np.array([part.first_a, part.first_b])).T
    expected, elsewhere = (float(np.median(level.costs(n, other))) for other in (m, m[::-1]))
    if elsewhere <= expected:
        return sound
    X, Y = _with_nothing(X, Y, pair.bias, expected + _PRICE * (elsewhere - expected))
    path, _ = dtw(X, Y, "classic", weights if steps == "classic" else None, bias=pair.bias)
    N, M = X.shape[1], Y.shape[1]
    inner = path[(path[:, 0] > 0) & (path[:, 1] > 0) & (path[:, 0] < N - 1) & (path[:, 1] < M - 1)] - 1
    if len(inner) < 2:
        return sound
    first, last = inner[0], inner[-1]
    shortest = _SHORTEST * pair.a.feature_rate / level.factor
    if max(first) < shortest:
        first = np.zeros(2, np.int64)
    if max(N - 3 - last[0], M - 3 - last[1]) < shortest:
        last = np.array([N - 3, M - 3])
    f = level.factor
    return Box(
        max(sound.first_a, int(part.first_a + first[0]) * f),
        min(sound.stop_a, int(part.first_a + last[0] + 1) * f),
        max(sound.first_b, int(part.first_b + first[1]) * f),
        min(sound.stop_b, int(part.first_b + last[1] + 1) * f),
    )


def excerpt_box(pair: Pair) -> Box:
    """Return the box of the first version and of the part of the second that is most like it (FMP, Section 7.2.3)."""
    level = pair.levels[0]
    X, Y = level.embedded(level.whole)
    path, _ = dtw(X, Y, pair.parameters.steps, pair.parameters.step_weights, subsequence=True, bias=pair.bias)
    first, last = int(path[0, 1]) * level.factor, (int(path[-1, 1]) + 1) * level.factor
    return Box(0, pair.a.frames, first, min(last, pair.b.frames))


def _with_nothing(X: Frames, Y: Frames, bias: float, price: float) -> tuple[Frames, Frames]:
    """Put a frame before and behind X and Y that costs `price` with any frame of the other side."""
    gain = np.float32(bias - price)
    wide_x, wide_y = np.pad(X, ((0, 2), (1, 1))), np.pad(Y, ((0, 2), (1, 1)))
    wide_x[-2, [0, -1]] = 1
    wide_y[-2, 1:-1] = gain
    wide_x[-1, 1:-1] = gain
    wide_y[-1, [0, -1]] = 1
    return wide_x, wide_y


def _sounding(pair: Pair, whole: Box) -> Box:
    """Return the box without the silence at its ends."""
    spans = []
    for loud in (pair.a.sounding(_SILENT), pair.b.sounding(_SILENT)):
        frames = np.flatnonzero(loud)
        lead = round(_LEAD * pair.a.feature_rate)
        spans.append(
            (max(0, frames[0] - lead), min(len(loud), frames[-1] + 1 + lead)) if len(frames) else (0, len(loud))
        )
    (first_a, stop_a), (first_b, stop_b) = spans
    box = Box(int(first_a), int(stop_a), int(first_b), int(stop_b))
    return box if min(box.shape) > 1 else whole
