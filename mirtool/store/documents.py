"""The documents of a segment, kept as arrays beside its own, so that those of a large index need no reading at once."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mirtool.errors import DataError
from mirtool.store import ragged

if TYPE_CHECKING:
    from mirtool.store.segments import CheckedArray, Segment

PREFIX = "documents/"


@dataclass(frozen=True)
class Document:
    """What an index knows of a file.

    Parameters
    ----------
    name : str
        Unique among the live documents of an index.
    size : int
        Of the file, in bytes.
    mtime_ns : int
        When the file was changed last.
    extras : mapping
        What else is known, such as ``{"duration": 12.5}``; JSON.
    """

    name: str
    size: int = 0
    mtime_ns: int = 0
    extras: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_file(cls, name: str) -> "Document":
        """Describe a file, so that its change is noticed; one that cannot be asked has no size and no time."""
        try:
            state = os.stat(name)
        except (OSError, ValueError):
            return cls(name)
        return cls(name, state.st_size, state.st_mtime_ns)


def arrays_of(documents: Sequence[Document]) -> dict[str, NDArray[Any]]:
    """Return the arrays that documents are kept as.

    Raises
    ------
    DataError
        A name stands twice.
    """
    names = [_encoded(document.name) for document in documents]
    if len(set(names)) < len(names):
        twice = next(document.name for place, document in enumerate(documents) if names[place] in names[:place])
        raise DataError(f"{twice}: stands twice among what is added to an index")
    extras = [
        json.dumps(dict(item.extras), separators=(",", ":")).encode() if item.extras else b"" for item in documents
    ]
    hashes = _hashes(names)
    order = np.argsort(hashes, kind="stable")
    kept = {
        "size": np.array([document.size for document in documents], np.int64),
        "mtime": np.array([document.mtime_ns for document in documents], np.int64),
        "hashes": hashes[order],
        "order": order.astype(np.int64),
        **_texts("name", names),
        **_texts("extras", extras),
    }
    return {PREFIX + name: array for name, array in kept.items()}


def _texts(name: str, texts: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    return {name: np.frombuffer(b"".join(texts), np.uint8), f"{name}.starts": starts}


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")  # the name of a file may be any bytes


def _hashes(names: Sequence[bytes]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(name, digest_size=8).digest() for name in names)
    return np.frombuffer(digests, np.uint64)


class Documents(Sequence[Document]):
    """The documents of a segment, removed ones included, by their number in it."""

    def __init__(self, segment: "Segment", live: NDArray[np.bool_]) -> None:
        self._segment = segment
        self.live = live
        self._arrays: dict[str, CheckedArray] = {}

    def __len__(self) -> int:
        return len(self.live)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        extras = bytes(self._text("extras", number))
        return Document(
            bytes(self._text("name", number)).decode("utf-8", "surrogateescape"),
            int(self._array("size")[number]),
            int(self._array("mtime")[number]),
            json.loads(extras) if extras else {},
        )

    def __iter__(self) -> Iterator[Document]:
        """Yield all, removed ones included."""
        rows = zip(self.names(), self.sizes.tolist(), self.mtimes.tolist(), self._texts("extras"), strict=True)
        for name, size, mtime, extras in rows:
            yield Document(name, size, mtime, json.loads(extras) if extras else {})

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Sizes of the files (bytes)."""
        return self._segment.whole(PREFIX + "size")

    @property
    def mtimes(self) -> NDArray[np.int64]:
        """When the files were changed last (ns)."""
        return self._segment.whole(PREFIX + "mtime")

    def names(self) -> list[str]:
        """Return all names."""
        return [text.decode("utf-8", "surrogateescape") for text in self._texts("name")]

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Find documents, removed ones included, by name; -1 where there is none."""
        encoded = [_encoded(name) for name in names]
        wanted = _hashes(encoded)
        hashes, order = self._segment.whole(PREFIX + "hashes"), self._segment.whole(PREFIX + "order")
        firsts, lasts = (np.searchsorted(hashes, wanted, side) for side in ("left", "right"))
        numbers = order[ragged.inside(firsts, lasts)]  # nearly always one a name
        places = np.repeat(np.arange(len(names)), lasts - firsts)
        bounds = self._array("name.starts").pieces(numbers, numbers + 2).reshape(-1, 2)
        text = self._array("name").pieces(bounds[:, 0], bounds[:, 1]).tobytes()
        ends = ragged.starts_of(bounds[:, 1] - bounds[:, 0]).tolist()
        found = np.full(len(names), -1, np.int64)
        for place, number, (start, stop) in zip(places.tolist(), numbers.tolist(), ragged.pairs(ends), strict=True):
            if text[start:stop] == encoded[place]:
                found[place] = number
        return found

    def _array(self, name: str) -> "CheckedArray":
        if name not in self._arrays:
            self._arrays[name] = self._segment.array(PREFIX + name)
        return self._arrays[name]

    def _text(self, name: str, number: int) -> NDArray[np.uint8]:
        start, stop = self._array(f"{name}.starts")[number : number + 2]
        text: NDArray[np.uint8] = self._array(name)[start:stop]
        return text

    def _texts(self, name: str) -> list[bytes]:
        text = self._segment.whole(PREFIX + name).tobytes()
        starts = self._segment.whole(PREFIX + f"{name}.starts").tolist()
        return [text[start:stop] for start, stop in ragged.pairs(starts)]
