"""A site of two processes: what befalls a user in one of them, or in a third, closes the sockets of both."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from servers.harness import free_port
from topics.engines.support_valkey import running

pytestmark = pytest.mark.server

TESTS = Path(__file__).parents[1]
SECONDS = 30.0
"""Bound of every wait, on a busy machine."""


class Site:
    """Its processes, their database and their broker."""

    def __init__(self, folder: Path, valkey: str) -> None:
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")]),
            "DATABASE": str(folder / "db.sqlite3"),
            "VALKEY": valkey,
        }
        del self.environment["DJANGO_SETTINGS_MODULE"]
        self.folder = folder
        self.ports: list[int] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, code: str) -> None:
        """Run code of the project in a process of its own, which serves nothing."""
        command = [sys.executable, "-c", f"from authorization.site import *\n{code}"]
        subprocess.run(command, env=self.environment, timeout=60, check=True)

    def serve(self) -> None:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "authorization.site:application", "--port", str(port)]
        with (self.folder / f"log {port}").open("wb") as log:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))
        self.ports.append(port)
        end = time.monotonic() + SECONDS
        while True:
            with contextlib.suppress(OSError):
                self.get(port, "ready/")
                return
            assert time.monotonic() < end, "it does not start"
            time.sleep(0.05)  # until it listens: there is nothing to await

    def get(self, port: int, path: str, cookie: str = "") -> str:
        """Ask, and give the session cookie that it sets."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Cookie": cookie})
        with opener.open(request, timeout=SECONDS) as response:
            set_ = SimpleCookie(response.headers.get("Set-Cookie", ""))
        return f"sessionid={set_['sessionid'].value}" if "sessionid" in set_ else ""

    @contextlib.contextmanager
    def open(self, port: int, cookie: str) -> Iterator[ClientConnection]:
        with connect(f"ws://127.0.0.1:{port}/ws", additional_headers={"Cookie": cookie}, proxy=None) as ws:
            assert str(ws.recv(timeout=SECONDS)).startswith("hello")
            yield ws

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(SECONDS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running() as valkey:
        site = Site(tmp_path_factory.mktemp("site"), valkey.url)
        try:
            site.run("from django.core.management import call_command\ncall_command('migrate', verbosity=0)")
            site.run("for name in ('alice', 'bob', 'carol'):\n    User.objects.create_user(username=name)")
            site.serve()
            site.serve()
            yield site
        finally:
            site.stop()


def close_code(ws: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        ws.recv(timeout=SECONDS)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def is_open(ws: ClientConnection) -> bool:
    return ws.ping().wait(SECONDS)


def test_a_logout_over_http_closes_the_sockets_of_that_session_in_every_process(site: Site) -> None:
    one, other = site.ports
    here, elsewhere = site.get(one, "login/alice/"), site.get(other, "login/alice/")
    with (
        site.open(one, here) as near,
        site.open(other, here) as far,
        site.open(other, elsewhere) as device,
        site.open(one, site.get(one, "login/bob/")) as bob,
    ):
        site.get(one, "logout/", here)
        assert close_code(near) == (4401, "logged out")
        assert close_code(far) == (4401, "logged out")
        with pytest.raises(InvalidStatus) as refused, site.open(other, here):
            pass
        assert refused.value.response.status_code == 401
        assert is_open(device)
        assert is_open(bob)


def test_what_a_process_without_sockets_does_to_a_user_closes_them_all(site: Site) -> None:
    one, other = site.ports
    with (
        site.open(one, site.get(one, "login/carol/")) as near,
        site.open(other, site.get(one, "login/carol/")) as far,
        site.open(other, site.get(one, "login/bob/")) as bob,
    ):
        site.run("user = User.objects.get(username='carol')\nuser.is_active = False\nuser.save()")
        assert close_code(near) == (4401, "deactivated")
        assert close_code(far) == (4401, "deactivated")
        assert is_open(bob)


def test_it_can_be_done_by_hand_from_anywhere(site: Site) -> None:
    one, other = site.ports
    cookie = site.get(one, "login/bob/")
    with site.open(one, cookie) as near, site.open(other, cookie) as far:
        site.run(
            "from django_ws import disconnect\ndisconnect(User.objects.get(username='bob'), code=4410, reason='go')"
        )
        assert close_code(near) == close_code(far) == (4410, "go")
        with site.open(other, cookie) as back:
            assert is_open(back)
