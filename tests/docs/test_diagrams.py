"""The pictures of docs/_ext say what the code says, all of it, and nothing lies on anything else."""

import importlib
import sys
from itertools import combinations, pairwise
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from django_ws.protocol import events, states
from django_ws.protocol.states import ApplicationState, PeerState
from docs import life as recorded

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"

pytest.importorskip("sphinx", reason="the dependency group docs is not installed")


def load(name: str) -> Any:
    """Import a module of docs/_ext by itself: its neighbours have names of their own there."""
    folder = str(ROOT / "docs" / "_ext")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


drawing: Any = load("drawing")
state_pictures: Any = load("states")
layer_pictures: Any = load("layers")
life_pictures: Any = load("lifelines")
measured: Any = load("measured")


def test_the_extensions_are_those_of_the_site() -> None:
    for module in (drawing, state_pictures, layer_pictures, life_pictures, measured):
        assert isinstance(module, ModuleType)
        assert Path(str(module.__file__)).parent == ROOT / "docs" / "_ext"


def parsed(picture: str) -> ET.Element:
    tree = ET.fromstring(picture)
    assert tree.get("role") == "img"
    assert tree.find(f"{SVG}title") is not None
    assert tree.find(f"{SVG}desc") is not None
    return tree


def texts(tree: ET.Element) -> list[str]:
    return [element.text or "" for element in tree.iter(f"{SVG}text")]


# --- drawing --------------------------------------------------------------------------------------


def test_what_is_written_is_escaped() -> None:
    picture = drawing.svg((10, 10), [drawing.text(1, 1, "a < b & c")], "<title>", 'a "desc"')
    tree = parsed(picture)
    assert texts(tree) == ["a < b & c"]
    assert tree.findtext(f"{SVG}title") == "<title>"


def test_boxes_overlap_where_they_share_more_than_an_edge() -> None:
    box = drawing.Box(0, 0, 10, 10)
    assert box.overlaps(drawing.Box(9, 9, 5, 5))
    assert not box.overlaps(drawing.Box(10, 0, 5, 5))
    assert not box.overlaps(drawing.Box(0, 10, 5, 5))


# --- states ---------------------------------------------------------------------------------------


def told_by_the_tables(side: str) -> set[tuple[str, str, str]]:
    if side == "peer":
        return {
            (state.name, event.__name__, after.name)
            for state, row in states.PEER_TRANSITIONS.items()
            for event, after in row.items()
        }
    found = {
        (state.name, event.__name__, after.name)
        for state, own in states.APPLICATION_TRANSITIONS.items()
        for event, after in own.items()
    }
    return found | {
        (state.name, event.__name__, after.name)
        for event, effects in states.PEER_EFFECTS.items()
        for state, after in effects.items()
    }


@pytest.mark.parametrize("side", ["peer", "application"])
def test_a_state_diagram_says_all_of_its_tables_and_nothing_else(side: str) -> None:
    picture = state_pictures.diagram(side)
    assert picture.transitions() == told_by_the_tables(side)
    written = " ".join(texts(parsed(state_pictures.draw(picture, state_pictures.TITLES[side]))))
    kind = PeerState if side == "peer" else ApplicationState
    assert all(state.name in written for state in kind)
    assert all(event in written for _, event, _ in picture.transitions())


@pytest.mark.parametrize("side", ["peer", "application"])
def test_nothing_of_a_state_diagram_lies_on_anything_else(side: str) -> None:
    layout = state_pictures.lay_out(state_pictures.diagram(side))
    placed = [*layout.boxes.values(), *(box for _, box in layout.labels)]
    for one, other in combinations(placed, 2):
        assert not one.overlaps(other), (one, other)
    assert all(box.x >= 0 and box.x + box.width <= layout.width + 4 for box in placed)
    assert layout.width <= 400, "it is to be legible on a telephone"


def test_another_table_is_another_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: dict[PeerState, Any] = {**states.PEER_TRANSITIONS}
    rows[PeerState.OPEN] = {**rows[PeerState.OPEN], events.Connect: PeerState.CLOSED}
    monkeypatch.setattr(states, "PEER_TRANSITIONS", MappingProxyType(rows))
    changed = state_pictures.diagram("peer")
    assert ("OPEN", "Connect", "CLOSED") in changed.transitions()
    assert changed.transitions() == told_by_the_tables("peer")


def test_a_circle_of_states_is_refused() -> None:
    edge = state_pictures.Edge
    circle = state_pictures.Diagram(("A", "B"), (edge("A", "B", ("go",)), edge("B", "A", ("back",))))
    with pytest.raises(ValueError, match="circle"):
        state_pictures.ranks(circle)


# --- layers ---------------------------------------------------------------------------------------


def test_the_picture_of_the_layers_has_every_part_of_the_package() -> None:
    contracts = layer_pictures.contracts()
    named = {part for row in contracts.rows for part in row}
    package = ROOT / "src" / "django_ws"
    there = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert named | set(contracts.outside) == there - {"__init__"}
    for width in (360, 660):
        tree = parsed(layer_pictures.draw(contracts, width))
        assert set(texts(tree)) == named
    assert named >= layer_pictures.LAYERS
    assert all(layer_pictures.purpose(part) for part in named)


@pytest.mark.parametrize("width", [360, 660])
def test_the_parts_of_a_row_stand_apart_and_lower_rows_lower(width: float) -> None:
    rows = layer_pictures.contracts().rows
    bands, chips, height = layer_pictures.place(rows, width)
    for one, other in combinations(chips.values(), 2):
        assert not one.overlaps(other)
    for above, below in pairwise(bands):
        assert above.y + above.height < below.y
    for row, band in zip(rows, bands, strict=True):
        for part in row:
            chip = chips[part]
            assert band.x <= chip.x, part
            assert chip.x + chip.width <= band.x + band.width, part
            assert band.y <= chip.y, part
            assert chip.y + chip.height <= band.y + band.height, part
    assert bands[-1].y + bands[-1].height <= height


def test_other_contracts_are_another_picture(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    other = tmp_path / "pyproject.toml"
    other.write_text(text.replace('    "codecs",\n', '    "codecs | wires",\n'), "utf-8")
    assert ["codecs", "wires"] in layer_pictures.contracts(other).rows
    assert layer_pictures.contracts().forbidden["protocol"] == ["django", "asyncio", "asgiref"]


# --- lives ----------------------------------------------------------------------------------------


def test_every_life_has_a_title_and_every_title_a_life() -> None:
    assert list(life_pictures.lives()) == list(recorded.read())
    assert set(life_pictures.TITLES) == set(life_pictures.lives())


@pytest.mark.parametrize("name", list(life_pictures.TITLES))
def test_a_picture_of_a_life_has_all_of_it_in_order(name: str) -> None:
    events = life_pictures.lives()[name]
    tree = parsed(life_pictures.draw(name, events))
    written = texts(tree)
    actors = [actor for actor in life_pictures.ACTORS if actor in written]
    assert [each for each in written if each not in actors] == [event.what for event in events]
    heights = [float(e.get("y", 0)) for e in tree.iter(f"{SVG}text") if e.text not in actors]
    assert heights == sorted(heights)
    width = float(tree.get("viewBox", "").split()[2])
    assert width <= 400, "it is to be legible on a telephone"
    told = tree.findtext(f"{SVG}desc") or ""
    assert told.count(";") == len(events) - 1


def test_who_takes_part_is_known() -> None:
    with pytest.raises(ValueError, match="nobody is called stranger"):
        life_pictures.columns([life_pictures.Event("stranger", "", "says")])


# --- figures --------------------------------------------------------------------------------------


def test_a_figure_is_that_of_the_page_that_measures() -> None:
    [row] = measured.chosen(["JSON message, in-process (µs)"])
    line = next(
        line
        for line in (ROOT / "docs" / "benchmarks.md").read_text("utf-8").splitlines()
        if line.startswith("| JSON message, in-process (µs) |")
    )
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert row == [cells[0], cells[1], cells[3], cells[-1]]


@pytest.mark.parametrize("measure", ["how blue it is", "Connection, Django's MIDDLEWARE (/s) to none"])
def test_what_was_not_measured_of_both_is_not_compared(measure: str) -> None:
    with pytest.raises(KeyError):
        measured.chosen([measure])
