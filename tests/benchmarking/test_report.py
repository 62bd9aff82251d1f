from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("rich", reason="the benchmarks' group is not installed")

from benchmarks.measures import MEASURES
from benchmarks.plots import PICTURES, write_pictures
from benchmarks.report import markdown, rows, terminal_table, update_page
from benchmarks.results import Results, load, save
from rich.console import Console


@pytest.fixture
def results() -> Results:
    made = Results(about={"python": "3.11.7", "uvicorn": "0.54"})
    for round_ in (1.0, 2.0, 3.0):
        made.add("json", "ceiling", 5.0 * round_)
        made.add("json", "ceiling-again", 5.05 * round_)
        made.add("json", "django-ws", 4.5 * round_)
        made.add("json", "channels", 90.0 * round_)
        made.add("uvicorn-json-50", "ceiling", 40_000.0)
        made.add("uvicorn-json-50", "django-ws", 38_000.0)
        for picture in PICTURES:
            made.add_point(picture.name, "ceiling", 1, 5.0 * round_)
            made.add_point(picture.name, "ceiling", 1000, 50.0 * round_)
            made.add_point(picture.name, "django-ws", 1, 4.0)
    made.add("ping", "django-ws", 0.7)
    return made


def test_a_row_has_the_ceiling_in_its_unit_and_the_rest_as_ratios(results: Results) -> None:
    row = rows(results)[0]
    assert (row.title, row.ceiling, row.again, row.ours) == ("JSON message, in-process (µs)", "10.0", "1.01", "0.90")
    assert (row.quartiles, row.goal, row.verdict) == ("0.90-0.90", "≤ 0.92", "yes")
    assert row.peers == ("", "", "", "18.0")


def test_rows_come_in_the_order_of_the_measures_and_only_where_something_was_measured(results: Results) -> None:
    assert [row.title.split(" (")[0] for row in rows(results)] == [
        one.title for one in MEASURES if one.name in {"json", "uvicorn-json-50", "ping"}
    ]


def test_a_missed_goal_is_said(results: Results) -> None:
    assert [row.verdict for row in rows(results)] == ["yes", "no", "yes"]


def test_the_terminal_and_the_page_show_the_same_figures(results: Results) -> None:
    console = Console(width=200, record=True)
    with console.capture() as capture:
        console.print(terminal_table(results))
    page = markdown(results)
    for row in rows(results):
        for cell in row.cells():
            assert cell in capture.get()
        assert f"| {' | '.join(row.cells())} |" in page
    assert "python 3.11.7, uvicorn 0.54" in page


def test_the_page_changes_between_its_markers_alone_and_can_be_made_again(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Above\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nBelow\n")
    update_page(page, results)
    first = page.read_text()
    update_page(page, results)
    assert page.read_text() == first
    assert first.startswith("Above\n")
    assert first.endswith("Below\n")
    assert "old" not in first
    assert "≤ 0.92" in first


def test_what_djangos_middleware_cost_is_compared_with_ours_without(results: Results) -> None:
    for slowness in (1.0, 2.0):
        results.add("handshake-async", "without", 30_000 / slowness)
        results.add("handshake-async", "ceiling-again", 30_300 / slowness)
        results.add("handshake-async", "django-ws", 9_000 / slowness)
    (row,) = (row for row in rows(results) if "MIDDLEWARE" in row.title)
    assert row.title == "Connection, 7 async MIDDLEWARE (/s) to none"
    assert (row.ceiling, row.again, row.ours) == ("22,500", "1.01", "0.30")


def test_a_page_without_markers_is_an_error(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nothing here\n")
    with pytest.raises(ValueError, match="figures: begin"):
        update_page(page, results)


def test_results_survive_their_file(results: Results, tmp_path: Path) -> None:
    read = load(save(results, tmp_path / "run.json"))
    assert rows(read) == rows(results)
    assert read.growth == results.growth


def test_each_picture_is_well_formed_and_names_who_is_in_it(results: Results, tmp_path: Path) -> None:
    written = write_pictures(results, tmp_path / "pictures")
    assert [path.stem for path in written] == [picture.name for picture in PICTURES]
    for path in written:
        texts = [one.text for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]
        assert "raw ASGI" in texts
        assert "django-ws" in texts
