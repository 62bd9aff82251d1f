"""What docs/explain says is so: its code runs, its names exist, and what it claims of its examples holds."""

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from examples.explain import back_pressure, cancellation, threads
from examples.explain.room import Room
from typing_extensions import override

from django_ws import conf, interfaces
from django_ws.testing import Peer, connect, freeze_clock
from django_ws.testing.targets import application_of
from docs import life
from docs.code_blocks import DOCS, ROOT, Block, blocks_of, pages_of

PAGES = pages_of("explain")
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
PICTURES = {"layers", "parts", "states", "life", "measured"}


def text_of(name: str) -> str:
    return (DOCS / "explain" / f"{name}.md").read_text("utf-8")


# --- the pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_included_or_drawn_or_a_command(block: Block) -> None:
    if block.directive == "literalinclude":
        assert block.file.is_relative_to(ROOT / "examples" / "explain")
        ast.parse(block.included())
    elif block.language == "console":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        for line in block.body.splitlines():
            assert line.removeprefix("$ make ") in targets, block
    else:
        assert block.directive in {*PICTURES, "toctree"}, block


def test_every_example_is_shown() -> None:
    shown = {block.file for block in BLOCKS if block.directive == "literalinclude"}
    assert shown == {file for file in (ROOT / "examples" / "explain").glob("*.py") if file.stat().st_size}


def test_every_picture_is_shown() -> None:
    drawn = {(block.directive, block.argument) for block in BLOCKS if block.directive in PICTURES}
    lives = re.findall(r'^  "([\w-]+)": \[', (DOCS / "explain" / "life.json").read_text("utf-8"), re.MULTILINE)
    assert {argument for directive, argument in drawn if directive == "life"} == set(lives)
    assert {argument for directive, argument in drawn if directive == "states"} == {"peer", "application"}
    assert ("layers", "") in drawn


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in set(re.findall(r"`(WS_[A-Z_]+)`", text)):
        assert name in conf.NAMES, name
    for file, test in set(re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", text)):
        path = ROOT / file
        assert path.exists(), file
        if path.suffix:
            tree = ast.parse(path.read_text("utf-8"))
            functions = {
                node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            assert not test or test in functions, (file, test)
    for name in set(re.findall(r"`django_ws((?:\.\w+)+)`", text)):
        path = ROOT / "src" / "django_ws" / Path(*name.strip(".").split("."))
        assert path.is_dir() or path.with_suffix(".py").exists() or _is_attribute(f"django_ws{name}"), name


def _is_attribute(name: str) -> bool:
    from django.utils.module_loading import import_string

    return import_string(name) is not None


# --- the tables -----------------------------------------------------------------------------------


def test_the_table_of_the_joints_has_every_protocol() -> None:
    table = text_of("layers").partition("## The joints")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    protocols = {
        node.name
        for file in Path(interfaces.__file__).parent.glob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
    }
    assert named == protocols


def test_the_tables_of_the_states_have_every_state() -> None:
    from django_ws.protocol import ApplicationState, PeerState

    named = re.findall(r"^\| `([A-Z]+)` \|", text_of("states"), re.MULTILINE)
    assert named == [state.name for kind in (PeerState, ApplicationState) for state in kind]


def test_the_defaults_that_are_named_are_the_real_ones() -> None:
    found = conf.WebSocketSettings()
    assert f"| `WS_INBOX_MESSAGES` | {found.inbox_messages} |" in text_of("back-pressure")
    assert (
        f"| `WS_MESSAGES_PER_SECOND`, `WS_MESSAGES_BURST` | {found.messages_per_second:g}, {found.messages_burst} |"
    ) in text_of("back-pressure")
    assert f"`WS_OUTBOX_MESSAGES` ({found.outbox_messages})" in text_of("back-pressure")
    assert (found.outbox_bytes, found.max_message_size) == (1 << 20, 1 << 20)
    assert f"`WS_DISCONNECT_GRACE` is {found.disconnect_grace:g} seconds" in text_of("cancellation")
    assert f"`WS_CLEANUP_TIMEOUT` seconds each ({found.cleanup_timeout:g})" in text_of("cancellation")
    assert f"`WS_SYNC_LANES` threads ({found.sync_lanes})" in text_of("threads")


def test_the_version_that_is_compared_is_the_one_that_was_run() -> None:
    pytest.importorskip("channels")
    assert f"Channels {version('channels')}" in text_of("why-not-channels")


def test_each_decision_says_what_it_costs_and_what_else_there_was() -> None:
    decisions = text_of("decisions").split("\n## ")[1:]
    assert len(decisions) >= 12
    for decision in decisions:
        title = decision.partition("\n")[0]
        assert title.endswith("?")
        for part in ("**Chosen:**", "**Costs:**", "**Instead:**"):
            assert decision.count(part) == 1, title


def test_each_claim_of_the_comparison_has_its_tests() -> None:
    text = text_of("why-not-channels")
    rows = re.findall(r"^\| (\d)\. ", text, re.MULTILINE)
    tests = re.findall(r"^(\d)\. `tests/", text, re.MULTILINE)
    assert rows == tests
    assert len(rows) >= 8


# --- the record -----------------------------------------------------------------------------------


async def test_each_life_is_still_lived_as_it_is_drawn() -> None:
    """If this fails, look at the change, and write the record anew: ``python -m tests.docs.life``."""
    lived = await life.record()
    assert lived == life.read()


def test_the_record_is_written_as_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lives, text = life.read(), life.RECORD.read_text("utf-8")
    monkeypatch.setattr(life, "RECORD", tmp_path / "life.json")
    life.write(lives)
    assert (tmp_path / "life.json").read_text("utf-8") == text


# --- the examples ---------------------------------------------------------------------------------


@pytest.fixture
async def paused() -> AsyncIterator[Any]:
    """A client of a socket that has stopped to read."""
    peers: list[Peer] = []

    async def make(target: object) -> Peer:
        peer = Peer(application_of(target, (), {}))
        peers.append(peer)
        _ = peer.start()
        assert await peer.connect()
        peer.pause()
        return peer

    yield make
    for peer in peers:
        peer.resume()
        peer.disconnect()
        await peer.wait()


def sent(peer: Peer) -> list[str]:
    return [event["text"] for event in peer.events if event["type"] == "websocket.send"]


async def test_the_export_waits_for_its_client(paused: Any) -> None:
    with freeze_clock() as clock:
        peer = await paused(back_pressure.Export)
        peer.text("row")
        await clock.rest()
        assert sent(peer) == []
        peer.resume()
        await clock.rest()
        assert sent(peer) == [f"row {number}" for number in range(1_000)]


async def test_the_export_ends_when_its_client_goes(paused: Any) -> None:
    with freeze_clock() as clock:
        peer = await paused(back_pressure.Export)
        peer.text("row")
        await clock.rest()
        peer.disconnect()
        peer.resume()
        await peer.wait()
    assert sent(peer) == []


async def test_who_reads_no_prices_gets_the_first_and_the_last_sixteen(
    paused: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with freeze_clock() as clock:
        peer = await paused(back_pressure.Prices)
        peer.text("tea")
        await clock.rest()
        peer.resume()
        await clock.rest()
        assert sent(peer) == [f"tea {number}" for number in (0, *range(84, 100))]
    assert len([record for record in caplog.records if "messages are dropped" in record.getMessage()]) == 1


@pytest.mark.parametrize("leaves_after", [0.5, 100.0])
async def test_an_order_is_stored_whoever_leaves(leaves_after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the grace, and where that is over: its client left before the order was stored."""
    monkeypatch.setattr(cancellation, "stored", [])
    closed: list[list[str]] = []

    class Orders(cancellation.Orders):
        disconnect_grace = 0.2

        @override
        async def on_close(self) -> None:
            closed.append(list(cancellation.stored))

    with freeze_clock() as clock:
        peer = Peer(application_of(Orders, (), {}))
        _ = peer.start()
        assert await peer.connect()
        peer.text("tea")
        await clock.advance(leaves_after)
        peer.disconnect()
        await clock.advance(10)
        await peer.wait()
    assert closed == [["tea"]]
    assert sent(peer) == (["stored"] if leaves_after > 2 else [])


@pytest.mark.parametrize("target", [threads.Names, threads.SyncNames])
def test_a_name_is_taken_once(target: Any, database: None) -> None:
    async def converse() -> None:
        async with connect(target) as ada, connect(target) as bob:
            await ada.send("ada")
            assert await ada.receive() == "yours"
            await bob.send("ada")
            assert await bob.receive() == "taken"

    async_to_sync(converse)()


async def test_the_room_answers_and_leaves() -> None:
    async with connect(Room) as ws:
        await ws.send("hello")
        assert await ws.receive() == "HELLO"
        await ws.send("leave")
        assert await ws.wait_closed() == 4000
    assert asyncio.all_tasks() == {asyncio.current_task()}
