"""Which parts of two versions belong together: silence, applause and different beginnings left out; excerpts found.

At the coarsest level a frame that meets nothing is put before and behind either version. Staying in it costs a fixed
amount a frame of the other version, between what frames cost that belong together and what unrelated frames cost; so
the best path passes over frames at the ends only if the other version has nothing like them.
"""

import numpy as np
from numpy.typing import NDArray

from mirtool.sync.dtw import Path, dtw
from mirtool.sync.multiscale import Box, Pair
from mirtool.sync.streams import Frames

_SILENT = 3e-4  # of the energy of loud frames, -35 dB
_SHORTEST = 1.5  # seconds; what is shorter stays in
# Of the way from the cost of matching frames to that of unrelated ones. It may be low: to pass over frames of one
# version does not pay where the other one has their like, which would then have to be squeezed into no time.
_PRICE = 0.05
_FEWEST = 8  # coarse frames of a version that can tell its ends
_LEAD = 0.3  # seconds of silence that stay before the first sound, so that its onset is seen


def common_box(pair: Pair) -> Box:
    """Return the box of what both versions have, without what only one has at its beginning or end."""
    level = pair.levels[0]
    sound = _sounding(pair, pair.levels[-1].whole)
    part = sound.coarser(level.factor)
    if pair.parameters.band is not None or min(part.shape) < _FEWEST:
        return sound
    X, Y = level.embedded(part)
    origin = np.array([part.first_a, part.first_b])
    path = _classic(X, Y, pair) + origin
    costs = level.costs(path[:, 0], path[:, 1])
    expected, elsewhere = float(np.median(costs)), float(np.median(level.costs(path[:, 0], path[::-1, 1])))
    if elsewhere <= expected:
        return sound
    wide = _classic(*_with_nothing(X, Y, pair.bias, expected + _PRICE * (elsewhere - expected)), pair) - 1
    inner = wide[np.all((wide >= 0) & (wide < part.shape), axis=1)] + origin
    if not len(inner):
        return sound
    limit, shortest = (expected + elsewhere) / 2, _SHORTEST * level.a.feature_rate
    # What was passed over must have had no like in the other version, which would now be without a match.
    if _matched(inner[level.costs(inner[:, 0], inner[:, 1]) < limit], inner) < _matched(path[costs < limit], inner):
        return sound
    first, last = np.array([part.first_a, part.first_b]), np.array([part.stop_a, part.stop_b]) - 1
    if _foreign(costs[np.any(path < inner[0], axis=1)], limit, shortest):
        first = inner[0]
    if _foreign(costs[np.any(path > inner[-1], axis=1)], limit, shortest):
        last = inner[-1]
    (first_a, first_b), (stop_a, stop_b) = first.tolist(), (last + 1).tolist()
    f = level.factor
    return Box(
        max(sound.first_a, first_a * f),
        min(sound.stop_a, stop_a * f),
        max(sound.first_b, first_b * f),
        min(sound.stop_b, stop_b * f),
    )


def _foreign(costs: NDArray[np.float32], limit: float, shortest: float) -> bool:
    """Whether what would be passed over is long enough, and most of it costs too much to be alike."""
    return len(costs) >= shortest and float(np.median(costs)) > limit


def _classic(X: Frames, Y: Frames, pair: Pair) -> Path:
    """Return the best path with classic steps, which alone can stay where they are."""
    steps, weights = pair.parameters.steps, pair.parameters.step_weights
    path, _ = dtw(X, Y, weights=weights if steps == "classic" else None, bias=pair.bias)
    return path


def _matched(good: Path, kept: Path) -> int:
    """Return how many frames of either version stand in the good points of a path, of those that another path keeps."""
    frames = [np.unique(good[:, version]) for version in range(2)]
    return sum(
        int(np.sum((found >= kept[0, version]) & (found <= kept[-1, version]))) for version, found in enumerate(frames)
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
