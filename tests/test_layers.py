"""Who may import whom, read from the code itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mirtool"

# A chapter imports only those left of it; those of one rank do not import each other.
RANKS = (
    ("signal",),
    ("features",),
    ("sync",),
    ("rhythm",),
    ("decomposition",),
    ("harmony", "symbolic", "retrieval", "structure", "transcription", "score_images"),
)
CHAPTERS = {name: rank for rank, names in enumerate(RANKS) for name in names}
ENDS = ("io", "cli", "plots", "pages")
BESIDE = ("evaluation", "synthesis", "store")  # no chapters: they serve some, and import none but those they need
ROOMS = {  # of a chapter; again one way, to the left
    "decomposition": ("", "factorization", "scores"),
    "retrieval": ("", "recognition", "matching", "versions", "similarity"),
}
GROUND = ("", "types")  # imported by all
PLAIN_LOOPS = ("mirtool.io.midi_scan",)  # run as they stand, too; compiled, the cache watches their own file
PROGRAMS = ("__main__.py", "demo.py")  # stand above everything
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py")))


def imports(path: Path, *, top: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports, absolute; those under TYPE_CHECKING not."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = list(tree.body) if top else list(ast.walk(tree))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in nodes:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def folder_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else ""


def ours(path: Path) -> set[str]:
    """Return the folders (or single modules) of the package that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("mirtool.")}


def test_every_folder_has_its_place():
    assert set(FOLDERS) <= {*CHAPTERS, *ENDS, *BESIDE, *GROUND}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    folder, used = folder_of(path), ours(path)
    if folder in CHAPTERS:
        later = {name for name in used if CHAPTERS.get(name, -1) >= CHAPTERS[folder] and name != folder}
        assert not later, "a chapter imports one that is not left of it"
    if folder in (*CHAPTERS, *BESIDE):
        assert not used & set(ENDS), "a chapter imports io, cli, plots or pages"
    if folder == "io":
        assert not used & set(CHAPTERS), "io imports a chapter"
    if folder in GROUND and path.name not in PROGRAMS:
        assert not used & {*CHAPTERS, *BESIDE, *(set(ENDS) - {"cli"})}, "a module of the ground floor looks up"
    if folder != "plots":
        assert not [name for name in imports(path) if name.startswith("matplotlib")], "matplotlib belongs to plots"


@pytest.mark.parametrize("chapter", ROOMS)
def test_rooms_of_a_chapter_open_one_way(chapter):
    rooms = ROOMS[chapter]
    for path in (PACKAGE / chapter).rglob("*.py"):
        inside = path.relative_to(PACKAGE / chapter).parts
        room = rooms.index(inside[0] if len(inside) > 1 else "")
        later = tuple(f"mirtool.{chapter}.{name}." for name in rooms[room + 1 :])
        assert not [name for name in imports(path) if name.startswith(later)], path


@pytest.mark.parametrize(
    "path", [path for path in sorted(PACKAGE.glob("*/parameters.py")) if path.parent.name != "cli"], ids=folder_of
)
def test_parameters_need_the_standard_library_only(path):
    for name in imports(path):
        assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("mirtool.errors") or (
            name.startswith("mirtool.") and name.split(".")[2] == "parameters"
        )  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*_kernels.py")), ids=lambda path: f"{folder_of(path)}-{path.stem}"
)
def test_kernels_stand_alone(path):
    modules = {name if name.startswith("mirtool") else name.split(".")[0] for name in imports(path, top=True)}
    modules = {name for name in modules if not name.startswith(PLAIN_LOOPS)}
    assert modules <= {"numpy", "math", "typing", "mirtool.jit.kernel"}
    inside = [name for name in set(imports(path)) - set(imports(path, top=True)) if name.startswith("mirtool")]
    assert all(name.startswith(f"mirtool.{folder_of(path)}.") for name in inside), "warm() may call its own chapter"
    names = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    assert "warm" in names, "mirtool doctor --warm calls it"


@pytest.mark.parametrize("folder", [name for name in FOLDERS if name in CHAPTERS])
def test_a_chapter_opens_with_nothing(folder):
    assert list(imports(PACKAGE / folder / "__init__.py")) == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_command_files_are_light_at_the_top(path):
    allowed = {*sys.stdlib_module_names, "mirtool", "typer"}
    assert {name.split(".")[0] for name in imports(path, top=True)} <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_scipy_signal_is_imported_where_it_is_used(path):
    assert not [name for name in imports(path, top=True) if name.startswith("scipy.signal")], "0.76 s at start"
