"""Features of versions that can be compared: of one kind and one rate, whatever they are made of."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from mirtool.errors import DataError, FormatError
from mirtool.features.chroma import chroma
from mirtool.features.frames import check_analysis
from mirtool.features.parameters import AnalysisParameters, ChromaParameters, SyncFeatureParameters
from mirtool.features.sync import KIND, sync_features
from mirtool.types import AudioSource, Features, Notes


@dataclass(frozen=True)
class Source:
    """One version.

    Parameters
    ----------
    name : str
        What errors call it.
    content : AudioSource, Notes or Features
    start : float
        Time of its beginning (s), for sound and notes.
    """

    name: str
    content: AudioSource | Notes | Features
    start: float = 0.0


def comparable(
    sources: Sequence[Source], parameters: SyncFeatureParameters, advance: Callable[[float], None]
) -> list[Features]:
    """Return the features of all versions; where one comes as features, the others follow its kind and rate.

    Parameters
    ----------
    sources : sequence of Source
        Features of kind ``sync`` or ``chroma`` may stand beside sound and notes, those of other kinds only beside
        their like.
    parameters : SyncFeatureParameters
        For what is computed.
    advance : callable
        Is called with 1 after each version.

    Raises
    ------
    ParameterError
        A feature rate that is not positive.
    FormatError
        Names the version that is too short, or cannot be compared with the others.
    """
    check_analysis(AnalysisParameters(parameters.feature_rate))
    given = next((source.content for source in sources if isinstance(source.content, Features)), None)
    rate = parameters.feature_rate if given is None else given.feature_rate or parameters.feature_rate
    kind = KIND if given is None else given.kind

    def compute(source: Source) -> Features:
        try:
            features = _computed(source, kind, replace(parameters, feature_rate=rate))
        except DataError as error:
            raise FormatError(str(error), source.name) from None
        if features.frames < 2:
            raise FormatError("too short to be aligned: fewer than two frames", source.name)
        if features.feature_rate != rate:
            found = features.feature_rate or 0
            raise FormatError(f"{found:g} frames per second, where another version has {rate:g}", source.name)
        advance(1)
        return features

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(compute, sources))


def _computed(source: Source, kind: str, parameters: SyncFeatureParameters) -> Features:
    content = source.content
    if isinstance(content, Features):
        return content
    if kind == KIND:
        return replace(sync_features(content, parameters), start=source.start)
    if kind == "chroma":
        like = ChromaParameters(feature_rate=parameters.feature_rate, tuning=parameters.tuning)
        return replace(chroma(content, like), start=source.start)
    raise DataError(f"cannot be compared with features of kind {kind or 'unknown'}")
