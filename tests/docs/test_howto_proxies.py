"""nginx, Caddy and HAProxy by the configurations of the guides: a browser gets in over TLS, a stranger does not."""

import asyncio
import contextlib
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin

from docs.howto_site import DEADLINE, Project, Running, block_of, free_port, shell_lines
from topics.engines.certificates import make_certificates

pytestmark = [pytest.mark.server, pytest.mark.timeout(120), pytest.mark.xdist_group("howto-proxies")]

# The name chat.example leads to the proxy: what DNS does for others.
NAMES = """
import socket

there = socket.getaddrinfo

def getaddrinfo(host, port, *args, **kwargs):
    if host == "chat.example":
        host, port = "127.0.0.1", {port}
    return there(host, port, *args, **kwargs)

socket.getaddrinfo = getaddrinfo
"""


class Site:
    """A project behind a proxy.

    Args:
        folder: Where all of it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self.project: Project = Project(folder, "deploy/settings.py")
        self.port: int = free_port()
        self.files = make_certificates(folder, "DNS:chat.example")
        self.authority: Path = Path(self.files.authority)
        self.workers: list[Running] = []
        self.proxy: Running | None = None
        (folder / "sitecustomize.py").write_text(NAMES.format(port=self.port), "utf-8")

    def ports(self, text: str, workers: list[int]) -> str:
        """Put our ports and files in the place of those that are shown."""
        pem = self.folder / "both.pem"
        pem.write_text(Path(self.files.certificate).read_text() + Path(self.files.key).read_text(), "utf-8")
        names = {"/etc/ssl/chat.example.pem": str(pem), "/etc/ssl/chat.example.key": self.files.key}
        for shown, ours in names.items():
            text = text.replace(shown, ours)
        text = re.sub(r"(listen |bind \*?:)443", lambda found: f"{found[1].replace('*', '')}{self.port}", text)
        text = text.replace("127.0.0.1:8001", f"127.0.0.1:{workers[-1]}")
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{workers[0]}")

    def nginx(self, text: str, workers: list[int]) -> str:
        text = self.ports(text, workers)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in kinds)
        text = f"http {{ access_log off; {folders} {text} }}"
        whole = f"daemon off; error_log stderr; pid {self.folder}/pid; events {{}} {text}"
        (self.folder / "nginx.conf").write_text(whole, "utf-8")
        return f"nginx -e stderr -p {self.folder} -c {self.folder}/nginx.conf"

    def haproxy(self, text: str, workers: list[int]) -> str:
        text = self.ports(text, workers).replace(" check", " check inter 200ms fall 1")
        (self.folder / "haproxy.cfg").write_text(f"{text}\n", "utf-8")
        return f"haproxy -db -f {self.folder}/haproxy.cfg"

    def caddy(self, text: str, workers: list[int]) -> str:
        # Its own authority in place of Let's Encrypt, and no port 80.
        ports = f"http_port {free_port()}\n https_port {self.port}"
        ours = f"{{\n admin off\n local_certs\n skip_install_trust\n {ports}\n}}\n"
        (self.folder / "Caddyfile").write_text(ours + self.ports(text, workers), "utf-8")
        self.project.environment |= {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        self.authority = self.folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        return f"caddy run --adapter caddyfile --config {self.folder}/Caddyfile"

    @contextmanager
    def behind(self, name: str, changes: Mapping[str, str]) -> "Iterator[Site]":
        """Start workers and the proxy; ``changes`` are made to the configuration that is shown."""
        if shutil.which(name, path=self.project.environment["PATH"]) is None:
            pytest.skip(f"there is no {name}")
        file = {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}[name]
        text = block_of(f"deploy/{file}").included()
        for shown, other in changes.items():
            assert shown in text
            text = text.replace(shown, other)
        (line,) = [line for line in shell_lines("uvicorn ") if "--workers" in line]
        with ExitStack() as stack:
            self.workers = [
                stack.enter_context(self.project.serve(line.replace("--workers 2", "")))
                for _ in range(2 if "8001" in text else 1)
            ]
            command: str = getattr(self, name)(text, [worker.port for worker in self.workers])
            proxy = Running(command, self.port, self.project)
            stack.callback(proxy.stop)
            proxy.wait()
            self.wait_until_it_serves(proxy)
            self.proxy = proxy
            yield self

    def wait_until_it_serves(self, proxy: Running) -> None:
        """Wait until it has a certificate and a worker that is well."""
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError):
                if self.ask_ready() not in {502, 503}:
                    return
            assert proxy.process.poll() is None, proxy.output
            assert time.monotonic() < deadline, proxy.output
            time.sleep(0.1)

    def ask_ready(self) -> int:
        """Make one HTTP request."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 5) as plain,
            self.tls().wrap_socket(plain, server_hostname="chat.example") as tls,
        ):
            tls.sendall(b"GET /ready/ HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n")
            with tls.makefile("rb") as answer:
                return int(answer.readline().split()[1])

    def tls(self) -> ssl.SSLContext:
        """Trust the proxy's certificate."""
        context = ssl.create_default_context()
        if self.authority.exists():
            context.load_verify_locations(self.authority)
        return context

    def open_socket(self, path: str, origin: str = "https://chat.example", **headers: str) -> connect:
        return connect(
            f"wss://chat.example{path}",
            host="127.0.0.1",
            port=self.port,
            ssl=self.tls(),
            server_hostname="chat.example",
            origin=Origin(origin),
            additional_headers=headers,
            local_addr=("127.0.0.2", 0),  # not the proxy's own
            open_timeout=DEADLINE,
            close_timeout=DEADLINE,
            proxy=None,
        )


@pytest.fixture(scope="module", params=["nginx", "caddy", "haproxy"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp(request.param)).behind(request.param, {}) as site:
        yield site
        # What HAProxy says of a check that fails; on a busy machine one may be too late, which is another thing.
        assert "wrong status" not in (site.proxy.output if site.proxy else "")


async def test_a_browser_gets_in(site: Site) -> None:
    async with site.open_socket("/ws/answer/?q=hello") as ws:
        words = [await ws.recv() for _ in range(3)]
        with pytest.raises(ConnectionClosed):
            await ws.recv()
    assert words == ["You", "asked:", "hello"]
    assert ws.close_code == 1000


async def test_another_site_does_not(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with site.open_socket("/ws/answer/", "https://evil.example"):
            raise AssertionError("it got in")
    assert refused.value.response.status_code == 403


async def test_the_proxy_itself_says_who_came_and_how(site: Site) -> None:
    """Whatever the client has written into these headers."""
    async with site.open_socket("/ws/who/", **{"X-Forwarded-Proto": "http", "X-Forwarded-For": "198.51.100.9"}) as ws:
        assert await ws.recv() == "127.0.0.2 https"


def test_the_command_that_looks_whether_it_works(site: Site) -> None:
    (line,) = [line for line in shell_lines("python manage.py ws_connect ") if "wss://chat.example" in line]
    site.project.environment["SSL_CERT_FILE"] = str(site.authority)
    assert "You" in site.project.run(line).splitlines()


@pytest.mark.parametrize(
    ("left_out", "status"),
    [
        ("proxy_set_header Upgrade $http_upgrade;", 404),
        ("proxy_set_header Host $http_host;", 400),
        ("proxy_set_header X-Forwarded-Proto $scheme;", 403),
    ],
)
async def test_what_happens_without_a_line_of_nginx(left_out: str, status: int, tmp_path: Path) -> None:
    with Site(tmp_path).behind("nginx", {left_out: ""}) as site:
        with pytest.raises(InvalidHandshake) as refused:
            async with site.open_socket("/ws/answer/?q=hello"):
                raise AssertionError("it got in")
        assert isinstance(refused.value, InvalidStatus)
        assert refused.value.response.status_code == status


async def test_what_happens_without_time_outs(tmp_path: Path) -> None:
    """nginx ends a connection on which the server has sent nothing for a while."""
    with Site(tmp_path).behind("nginx", {"proxy_read_timeout 1h;": "proxy_read_timeout 1s;"}) as site:
        async with site.open_socket("/ws/who/") as ws:
            await ws.recv()
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1006


TWO_WORKERS: Mapping[str, Mapping[str, str]] = {
    "haproxy": {},
    "nginx": {"server 127.0.0.1:8000;": "server 127.0.0.1:8000; server 127.0.0.1:8001;"},
    "caddy": {"127.0.0.1:8000": "127.0.0.1:8000 127.0.0.1:8001 {\n lb_policy round_robin\n lb_try_duration 5s\n }"},
}


@pytest.mark.parametrize("name", TWO_WORKERS)
async def test_one_worker_after_the_other_is_stopped(name: str, tmp_path: Path) -> None:
    """Who was on it is told to come back, and comes to the other one, at once and each time."""
    with Site(tmp_path).behind(name, TWO_WORKERS[name]) as site:
        first = site.open_socket("/ws/who/")
        second = site.open_socket("/ws/who/")
        async with first as one, second as two:
            await one.recv()
            await two.recv()
            site.workers[0].terminate()
            done, _ = await asyncio.wait(
                [asyncio.ensure_future(ws.wait_closed()) for ws in (one, two)],
                timeout=DEADLINE,
                return_when=asyncio.FIRST_COMPLETED,
            )
            assert done
            assert sorted(ws.close_code or 0 for ws in (one, two)) == [0, 1012]
            for _ in range(4):
                async with site.open_socket("/ws/who/") as again:
                    await again.recv()
