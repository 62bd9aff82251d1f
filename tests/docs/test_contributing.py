"""CONTRIBUTING.md: its map is of this repository."""

import re

from docs.site import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BASES = [ROOT, ROOT / "src" / "django_ws"]


def test_each_file_that_it_names_is_there() -> None:
    made_up = ("src/django_ws/a/", "tests/a/")
    names = {name for name in re.findall(r"`([\w./-]+(?:\.py|\.md|/))`", TEXT) if not name.startswith(made_up)}
    assert len(names) > 20
    assert [name for name in sorted(names) if not any((base / name).exists() for base in BASES)] == []


def test_each_room_of_the_package_is_on_the_map() -> None:
    package = ROOT / "src" / "django_ws"
    rooms = {path.stem for path in package.iterdir() if path.is_dir() or path.suffix == ".py"}
    tree = TEXT.partition("```\napplication")[2].partition("```")[0]
    named = set(re.findall(r"\w+", f"application {tree}"))
    assert rooms - named - {"__init__", "__main__", "__pycache__", "py"} == set()


def test_each_target_of_make_is_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", TEXT))
    assert named <= targets
    assert targets - named <= {"help", "demo", "build", "clean"}
