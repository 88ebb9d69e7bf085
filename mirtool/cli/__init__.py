"""The table of contents: sections and their commands.

A command stands in the file of its name (`nmf-decompose` in `nmf_decompose.py`), which is imported when it is called.
"""

CONTENTS: dict[str, tuple[str, ...]] = {
    "Align": ("sync", "warp"),
    "Rhythm": ("onsets", "tempo", "beats"),
    "Decompose": ("separate", "nmf-decompose", "edit", "mosaic"),
    "Retrieve": ("match-midi", "match-audio", "identify", "versions", "similar"),
    "Analyse": ("transcribe",),
    "Tools": ("features", "sonify", "plot", "convert", "evaluate", "doctor"),
}
