"""What bytes are, by their beginning."""

import codecs
import itertools
import re

HEAD_SIZE = 8192
LIVE_HEAD = b"RIFF\xff\xff\xff\xffWAVE"  # what a stream that is read as it comes begins with
SAMPLE_LINES = 20

_MAGIC = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"MThd", "midi"),
    (b"\x93NUMPY", "npy"),
    (b".snd", "au"),
    (b"caff", "caf"),
    (b"wvpk", "wavpack"),
    (b"MAC ", "ape"),
    (b"TTA1", "tta"),
    (b"#!AM", "amr"),
    (b"DSD ", "dsf"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"0&\xb2u\x8ef\xcf\x11", "wma"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive (a Sonic Visualiser session? export the layer)"),
    (b"\xff\xfe", "text in UTF-16 (save it as UTF-8)"),
    (b"\xfe\xff", "text in UTF-16 (save it as UTF-8)"),
)
_RIFF = (b"RIFF", b"RF64", b"BW64")
_ROOTS = {"score-partwise": "musicxml", "score-timewise": "musicxml", "sv": "sv"}
_ROOT = re.compile(rb"\s*(?:(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?>)\s*)*<([A-Za-z][\w.:-]*)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")
_NAME = re.compile(r'"?[^\W\d]\w*"?')
_HTML = re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE)


def is_streamable(head: bytes) -> bool:
    """Tell whether what begins so can be read as it comes: WAV."""
    return head[:4] in _RIFF and head[8:12] == b"WAVE"


def kind_of(head: bytes) -> str:
    """Return the name of a format (as in `mirtool.io.formats.FORMATS`) if the first bytes tell.

    Otherwise ``text``, ``binary``, ``empty`` or a few words for what is not read, such as ``a PDF``.
    """
    if not head:
        return "empty"
    if head[:4] in _RIFF or head[:4] == b"RIFX":
        return {b"WAVE": "wav", b"RMID": "midi"}.get(head[8:12], "binary")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] == b"ftyp":
        return "m4a"
    if head[:4] == b"PK\x03\x04":
        return _zip_kind(head)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _is_mpeg(head):
        return "aac" if head[1] & 6 == 0 else "mp3"
    if not _is_text(head):
        return "binary"
    root = _ROOT.match(head.removeprefix(b"\xef\xbb\xbf"))
    return _ROOTS.get(root[1].decode(), "text") if root else "text"


def _is_text(head: bytes) -> bool:
    """Tell whether bytes may be text; text in an old 8-bit encoding, too, so that its reader can name the line."""
    if _CONTROL.search(head):
        return False
    begin = head[:64]
    return is_utf8(head) or 2 * sum(byte < 128 for byte in begin) >= len(begin)


def is_utf8(head: bytes) -> bool:
    """Tell whether bytes are UTF-8; a character may be cut off at their end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _zip_kind(head: bytes) -> str:
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first.endswith(b".npy"):
        return "an NPZ archive (save the matrix as NPY)"
    is_score = first in (b"mimetype", b"META-INF/") or first.endswith((b".xml", b".musicxml"))
    return "musicxml" if is_score else "a ZIP archive"


def _is_mpeg(head: bytes) -> bool:
    """Tell whether there is the header of an MPEG audio frame (layers II, III) or of AAC in ADTS."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if layer == 0:
        return head[1] & 0xF0 == 0xF0 and (head[2] >> 2 & 15) < 13
    return layer != 3 and version != 1 and bitrate != 15 and rate != 3


def complaint(wanted: str, head: bytes) -> str:
    """Return the message for bytes that are not what was wanted."""
    shown = f"not {wanted} (first bytes: {head[:4].hex(' ')})"
    if is_html(head):
        return f"{shown}: is it an HTML page?"
    if head.startswith(b"version https://git-lfs"):
        return f"{shown}: is it a Git LFS pointer?"
    if not any(head):
        return f"{shown}: zeros only, did a download break off?"
    return f"{shown}: is it a text file?" if kind_of(head) == "text" else shown


def is_html(head: bytes) -> bool:
    """Tell whether text begins as an HTML page."""
    return _HTML.match(head) is not None


def is_fmp(head: bytes) -> bool:
    """Tell whether text is separated by semicolons, as tables of libfmp and synctoolbox are."""
    lines = _lines(head)
    return bool(lines) and ";" in lines[0] and "," not in lines[0]


def text_formats(head: bytes) -> list[tuple[str, str]]:
    """Return the text formats that fit the first bytes, the best first, each with the container it would give."""
    lines = _lines(head)
    if not lines:
        return []
    first = lines[0].strip()
    if first.startswith("{"):
        is_jams = b'"annotations"' in head or b'"file_metadata"' in head
        return [("jams", "jams")] if is_jams else [("json", "table")]
    if not _is_number(re.split(r"[,;\s]", first)[0].strip('"')):
        return _with_header(first)
    if is_fmp(head):
        return [("fmp", "fmp")]
    return _bare([re.split(r"\t" if "\t" in first else r"\s+", line.strip("\r\n"), maxsplit=2) for line in lines])


def _lines(head: bytes) -> list[str]:
    """Return the first lines that are whole and not blank."""
    lines = head.decode("utf-8-sig", "replace").splitlines()
    if len(head) >= HEAD_SIZE and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:SAMPLE_LINES]


def _with_header(first: str) -> list[tuple[str, str]]:
    for separator, name in ((",", "csv"), ("\t", "tsv"), (";", "fmp")):
        cells = first.split(separator)
        if len(cells) > 1 and all(_NAME.fullmatch(cell.strip()) for cell in cells):
            return [(name, "table")]
    return [("csv", "table")] if _NAME.fullmatch(first) else []


def _bare(rows: list[list[str]]) -> list[tuple[str, str]]:
    """Return the formats without a header that fit rows of at most three cells."""
    widths = {len(row) for row in rows}
    numeric = [all(_is_number(row[k]) for row in rows) for k in range(min(widths))]
    if widths == {1}:
        return [("beats", "events"), ("mireval", "events")] if numeric[0] else []
    if 1 in widths or not numeric[0]:
        return []
    if widths == {2}:
        if not numeric[1]:
            return [("mireval", "events")]
        found = [("beats", "events"), ("mireval", "events")]
        return [*found, ("lab", "segments")] if _are_intervals(rows) else found
    if not numeric[1]:
        return []
    if all(float(row[0]) == float(row[1]) for row in rows):
        return [("audacity", "events")]
    found = [("lab", "segments"), ("audacity", "segments")]
    return [*found, ("mireval", "notes")] if widths == {3} and numeric[2] else found


def _are_intervals(rows: list[list[str]]) -> bool:
    """Tell whether each row may be the start and the end of a stretch that does not overlap the one before."""
    bounds = [(float(row[0]), float(row[1])) for row in rows]
    follows = all(after[0] >= before[1] - 1e-3 for before, after in itertools.pairwise(bounds))
    return follows and all(start < end for start, end in bounds)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
