"""Two workers and a command share a Valkey by the settings of the guide: events, and the count of connections."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from docs.code_blocks import DOCS
from docs.howto_site import DEADLINE, Project, Running, shell_lines
from topics.engines import support_valkey

pytestmark = [pytest.mark.server, pytest.mark.timeout(120), pytest.mark.xdist_group("howto-servers")]
SHOWN = "redis://valkey.internal:6379"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with support_valkey.running() as valkey:
        project = Project(tmp_path, "scale/settings_valkey.py")
        settings = tmp_path / "mysite" / "settings.py"
        text = settings.read_text("utf-8")
        assert text.count(SHOWN) == 2
        settings.write_text(text.replace(SHOWN, valkey.url), "utf-8")
        yield project


def open_socket(server: Running) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/ws/listening/", open_timeout=DEADLINE, proxy=None)


async def test_an_event_reaches_the_sockets_of_all_processes(project: Project) -> None:
    (line,) = [line for line in shell_lines("uvicorn ") if "--workers 2" in line]
    with project.serve(line) as server:
        sockets: dict[str, ClientConnection] = {}
        # The system gives a connection to whichever worker takes it first.
        kept: list[ClientConnection] = []
        while len(sockets) < 2:
            assert len(kept) < 200
            kept.append(ws := await open_socket(server))
            sockets[str(await ws.recv())] = ws
        project.run(
            "python manage.py shell --verbosity 0 -c \"from mysite.sockets import News; News().publish('hello')\""
        )
        for ws in sockets.values():
            assert await ws.recv() == "hello"
        for ws in kept:
            await ws.close()


def test_the_check_tells_of_an_engine_that_is_missing(tmp_path: Path) -> None:
    assert "`django_ws.W011`" in (DOCS / "howto" / "scale.md").read_text("utf-8")
    command = "python manage.py check --deploy --tag django_ws"
    assert "django_ws.W011" in Project(tmp_path / "one").run(command)


def test_with_the_settings_it_has_nothing_to_tell(project: Project) -> None:
    assert "W011" not in project.run("python manage.py check --deploy --tag django_ws")
