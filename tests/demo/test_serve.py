"""`make demo ENGINE=... WORKERS=2`: one room over several processes and a real engine; and all of it ends."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Page, expect
from websockets.asyncio.client import ClientConnection, connect

pytestmark = [pytest.mark.server, pytest.mark.timeout(120), pytest.mark.xdist_group("demo-serve")]

PROJECT = Path(__file__).parents[2] / "examples" / "demo"
PATIENCE = 30  # seconds, for a machine that is busy with other tests
ROOT = os.geteuid() == 0

Serve = Callable[..., AbstractContextManager["Served"]]


def start(folder: Path, port: int, *arguments: str) -> "subprocess.Popen[bytes]":
    with (folder / "log").open("wb") as log:
        (folder / "tmp").mkdir()
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DEMO_"))}
        return subprocess.Popen(
            [sys.executable, PROJECT / "serve.py", "--port", str(port), *arguments],
            env={**environ, "DEMO_DATABASE": str(folder / "demo.sqlite3"), "TMPDIR": str(folder / "tmp")},
            stdout=log,
            stderr=log,
        )


class Served:
    """What serve.py serves."""

    def __init__(self, folder: Path, port: int, *arguments: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.folder = folder
        self.process = start(folder, port, *arguments)

    @property
    def said(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while f"The demo is at http://{self.address}/" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def others(self) -> dict[int, str]:
        """Give the command of every process that it has started, where the system shows them."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"TMPDIR={self.folder / 'tmp'}\0".encode() in (process / "environ").read_bytes():
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        found.pop(self.process.pid, None)
        return found

    def wait_until_gone(self) -> None:
        """Wait for its end, and for that of all that it has started."""
        self.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while left := self.others():
            assert time.monotonic() < deadline, left
            time.sleep(0.02)


@pytest.fixture
def serve(free_port: Callable[[], int]) -> Serve:
    """Gives what starts the demo by serve.py with these arguments, and ends it."""

    @contextmanager
    def serve(*arguments: str) -> Iterator[Served]:
        # A short path: in it are Unix sockets, whose names take about a hundred characters.
        with TemporaryDirectory(prefix="demo") as folder:
            demo = Served(Path(folder), free_port(), *arguments)
            try:
                demo.wait_until_up()
                yield demo
            finally:
                demo.process.terminate()
                demo.wait_until_gone()

    return serve


async def client_of_each(demo: Served, stack: AsyncExitStack, workers: int) -> dict[int, ClientConnection]:
    """Connect until each worker has a client; by the number of its process."""
    found: dict[int, ClientConnection] = {}

    async def enter() -> None:
        address = f"ws://{demo.address}/ws/rooms/lobby/"
        client = await stack.enter_async_context(connect(address, proxy=None))
        # Somebody else's joining may be heard before the welcome.
        while (event := json.loads(await client.recv()))["type"] != "welcome":
            pass
        found[event["worker"]] = client

    async with asyncio.timeout(PATIENCE):
        while len(found) < workers:
            await asyncio.gather(*(enter() for _ in range(8)))
    return found


@pytest.mark.parametrize(
    ("engine", "end"),
    [
        ("valkey", signal.SIGINT),
        ("valkey", signal.SIGKILL),
        ("nats", signal.SIGTERM),
        pytest.param("postgres", signal.SIGTERM, marks=pytest.mark.skipif(ROOT, reason="it does not run as root")),
        pytest.param("postgres", signal.SIGKILL, marks=pytest.mark.skipif(ROOT, reason="it does not run as root")),
    ],
)
async def test_workers_share_a_room_and_end_with_the_demo(serve: Serve, engine: str, end: signal.Signals) -> None:
    with serve("--engine", engine, "--workers", "2") as demo:
        async with AsyncExitStack() as stack:
            clients = await client_of_each(demo, stack, 2)
            for worker, client in clients.items():
                await client.send(json.dumps({"type": "say", "text": f"from {worker}"}))
                for each in clients.values():
                    async with asyncio.timeout(PATIENCE):
                        while (event := json.loads(await each.recv()))["type"] != "said":
                            pass
                    assert (event["text"], event["worker"]) == (f"from {worker}", worker)
            demo.process.send_signal(end)
            await asyncio.to_thread(demo.wait_until_gone)
            assert demo.process.returncode == (-end if end is signal.SIGKILL else 0)
            for client in clients.values():
                await client.wait_closed()
                assert client.close_code == 1012  # the sockets have had their end, too
        assert list((demo.folder / "tmp").iterdir()) == []
        assert "Traceback" not in demo.said


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not show its processes there")
def test_when_the_server_dies_nothing_is_left(serve: Serve) -> None:
    with serve("--engine", "valkey", "--workers", "2") as demo:
        server = next(pid for pid, command in demo.others().items() if re.match(r"\S+ -m uvicorn", command))
        os.kill(server, signal.SIGKILL)
        demo.wait_until_gone()
        assert demo.process.returncode == 1
        assert "The server has ended." in demo.said
        assert list((demo.folder / "tmp").iterdir()) == []


def refused(folder: Path, port: int, *arguments: str) -> str:
    process = start(folder, port, *arguments)
    assert process.wait(PATIENCE) != 0
    assert list((folder / "tmp").iterdir()) == []
    return (folder / "log").read_text()


def test_several_workers_need_an_engine(tmp_path: Path, free_port: Callable[[], int]) -> None:
    assert "Name an engine: valkey, nats or postgres." in refused(tmp_path, free_port(), "--workers", "2")


@pytest.mark.skipif(not ROOT, reason="who is not root may run it")
def test_root_is_told_of_postgres(tmp_path: Path, free_port: Callable[[], int]) -> None:
    said = refused(tmp_path, free_port(), "--engine", "postgres", "--workers", "2")
    assert "PostgreSQL does not run as root: start the demo as another user" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_told(serve: Serve, tmp_path: Path) -> None:
    with serve() as demo:
        port = int(demo.address.rpartition(":")[2])
        assert f"Something else is served at http://{demo.address}/ already" in refused(tmp_path, port)


@pytest.mark.browser
def test_two_pages_talk_over_two_workers(serve: Serve, new_page: Callable[[], Page]) -> None:
    def enter(page: Page) -> str:
        page.goto(f"http://{demo.address}/")
        worker = page.locator("[data-text=chat-worker]")
        expect(worker).to_have_text(re.compile(r"^\d+$"), timeout=20_000)
        return worker.text_content() or ""

    with serve("--engine", "valkey", "--workers", "2") as demo:
        one, other = new_page(), new_page()
        here = enter(one)
        deadline = time.monotonic() + PATIENCE
        while (there := enter(other)) == here:
            assert time.monotonic() < deadline, "every page came to the same worker"
        for way in ("Send", "Post to a view"):
            text = f"Hello, by {way}"
            other.get_by_label("What to say").fill(text)
            other.get_by_role("button", name=way).and_(other.locator("#chat button")).click()
            for page in (one, other):
                expect(page.locator(".said").last).to_contain_text(text, timeout=20_000)
        by_socket = one.locator(".said", has_text="Hello, by Send").locator(".worker")
        expect(by_socket).to_have_text(f"worker {there}")
        expect(by_socket).to_have_attribute("data-other", "")
        expect(one.locator(".said .worker").last).to_have_text(re.compile(f"^view, worker ({here}|{there})$"))
