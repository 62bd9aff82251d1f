"""Each server is started by the line that the guides show, and a client comes as a browser behind a proxy does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from docs.code_blocks import DOCS
from docs.howto_site import BLOCKS, DEADLINE, Project, Running, shell_lines

LINES = shell_lines("uvicorn ", "hypercorn ", "granian ", "daphne ")
PAGE = (DOCS / "howto" / "deploy.md").read_text("utf-8")

pytestmark = [pytest.mark.server, pytest.mark.timeout(120), pytest.mark.xdist_group("howto-servers")]

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}


def open_socket(running: Running, path: str, origin: str = "https://chat.example", **headers: str) -> connect:
    """Connect as a proxy passes a browser's handshake on: Host, Origin and what it adds."""
    return connect(
        f"ws://chat.example{path}",
        host="127.0.0.1",
        port=running.port,
        origin=Origin(origin),
        additional_headers={**FORWARDED, **headers},
        open_timeout=DEADLINE,
        close_timeout=DEADLINE,
        proxy=None,
    )


def make_project(folder: Path) -> Project:
    project = Project(folder, "deploy/settings.py")
    for block in BLOCKS:
        if block.directive == "literalinclude" and block.file.suffix == ".toml":
            (folder / block.options["caption"]).write_text(block.included(), "utf-8")
    return project


@pytest.fixture(scope="module", params=LINES, ids=lambda line: line.split(" ")[0] + f"-{len(line)}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    line: str = request.param
    with make_project(tmp_path_factory.mktemp("deployed")).serve(line) as running:
        yield running


async def test_a_browser_gets_in(server: Running) -> None:
    async with open_socket(server, "/ws/answer/?q=hello") as ws:
        words = [await ws.recv() for _ in range(3)]
        with pytest.raises(ConnectionClosed):
            await ws.recv()
    assert words == ["You", "asked:", "hello"]
    assert ws.close_code == 1000


@pytest.mark.parametrize(
    ("origin", "scheme"), [("https://evil.example", "https"), ("https://chat.example", "http"), ("null", "https")]
)
async def test_another_site_does_not(server: Running, origin: str, scheme: str) -> None:
    """The second is what the page says of a proxy that sends no X-Forwarded-Proto."""
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(server, "/ws/answer/", origin, **{"X-Forwarded-Proto": scheme}):
            raise AssertionError("it got in")
    assert refused.value.response.status_code == 403


async def test_whose_address_it_is(server: Running) -> None:
    """uvicorn and daphne --proxy-headers believe X-Forwarded-For, the others want a middleware."""
    async with open_socket(server, "/ws/who/") as ws:
        address, scheme = str(await ws.recv()).split()
    believes = server.name in {"uvicorn", "daphne"}
    assert (address, scheme) == ("192.0.2.7" if believes else "127.0.0.1", "https")


WRAPPED = {
    "hypercorn": "from hypercorn.middleware import ProxyFixMiddleware\n"
    "application = ProxyFixMiddleware(application, mode='legacy', trusted_hops=1)\n",
    "granian": "from granian.utils.proxies import wrap_asgi_with_proxy_headers\n"
    "application = wrap_asgi_with_proxy_headers(application)\n",
}


@pytest.mark.parametrize("name", WRAPPED)
async def test_whose_address_it_is_by_a_middleware(name: str, tmp_path: Path) -> None:
    for dotted in ("hypercorn.middleware.ProxyFixMiddleware", "granian.utils.proxies.wrap_asgi_with_proxy_headers"):
        assert f"`{dotted}`" in PAGE
    project = make_project(tmp_path)
    with (tmp_path / "mysite" / "asgi.py").open("a", encoding="utf-8") as file:
        file.write(WRAPPED[name])
    (line,) = shell_lines(f"{name} ")
    with project.serve(line) as running:
        async with open_socket(running, "/ws/who/") as ws:
            assert await ws.recv() == "192.0.2.7 https"


async def test_what_the_drain_page_says_of_sigterm(tmp_path: Path) -> None:
    (line,) = [
        line
        for block in BLOCKS
        if block.page.stem == "drain" and block.language == "sh"
        for line in block.body.splitlines()
    ]
    with make_project(tmp_path).serve(line) as running:
        async with open_socket(running, "/ws/who/") as ws:
            await ws.recv()
            running.terminate()
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1012
        assert running.process.wait(DEADLINE) is not None
