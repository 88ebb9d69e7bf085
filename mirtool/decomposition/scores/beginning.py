"""Where a factorisation of sound begins whose score is known (FMP, Section 8.3.2; Ewert and Müller, ICASSP 2012)."""

from collections.abc import Sequence

import numpy as np

from mirtool.decomposition.factorization.beginnings import Beginning, Setting, pitch_label
from mirtool.decomposition.factorization.descent import Start
from mirtool.decomposition.factorization.harmonic_templates import HarmonicTemplates
from mirtool.decomposition.parameters import ScoreParameters
from mirtool.decomposition.scores.constraints import ATTACK, TONE, Constraints, Matrix, ScorePart

_FRAMES = 4096  # whose notes are looked for at a time: what is known of them takes three times as much as activations


def score(setting: Setting, parts: Sequence[ScorePart], parameters: ScoreParameters, by_pitch: bool) -> Beginning:
    """Begin with the components of scores: pitches, attacks and drums; what is zero stays zero.

    Templates of pitches are zero but near their partials, those of attacks and drums flat; activations are zero but
    near the notes.

    Parameters
    ----------
    setting : Setting
    parts : sequence of ScorePart
        Aligned with the sound.
    parameters : ScoreParameters
    by_pitch : bool
        Write each pitch of a part (and its attacks) as a sound of its own, not the part as a whole.
    """
    constraints = Constraints(parts, parameters)
    W = _templates(setting, constraints, parameters)
    if setting.length is not None:
        W = np.repeat(W[..., None], setting.length, axis=2)
    H = np.empty((constraints.rank, setting.frames), np.float32)
    for first in range(0, setting.frames, _FRAMES):
        part = H[:, first : first + _FRAMES]
        part[:] = constraints.allowed(first, part.shape[1], setting.grid.feature_rate).owner.T >= 0
    pitches = np.where(constraints.kind == TONE, constraints.pitch, np.nan)
    return Beginning(Start(W, H), _labels(parts, constraints, by_pitch), tuple(pitches.tolist()))


def _templates(setting: Setting, constraints: Constraints, parameters: ScoreParameters) -> Matrix:
    """Return templates of one frame, K × R."""
    frequencies = setting.grid.frequencies
    W = np.full((constraints.rank, len(frequencies)), 1 / len(frequencies), dtype=np.float32)
    tones = constraints.kind == TONE
    W[tones] = HarmonicTemplates(
        constraints.pitch[tones],
        constraints.part[tones],
        constraints.parts,
        frequencies,
        parameters.partials,
        parameters.pitch_tolerance,
    ).start()
    if setting.grid.power:
        W[tones] **= 2
    return np.ascontiguousarray(W.T)


def _labels(parts: Sequence[ScorePart], constraints: Constraints, by_pitch: bool) -> tuple[str, ...]:
    """Return the names of the components: of the part, of the pitch, or of both where there are several parts."""
    labels = []
    for part, kind, pitch in zip(constraints.part, constraints.kind, constraints.pitch.tolist(), strict=True):
        own = "attacks" if kind == ATTACK else pitch_label(pitch) if kind == TONE else f"drum-{pitch}"
        whole = parts[int(part)].name
        labels.append(whole if not by_pitch else own if len(parts) == 1 else f"{whole}-{own}")
    return tuple(labels)
