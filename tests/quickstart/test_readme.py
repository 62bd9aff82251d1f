"""The README's quick start, to the letter: a wheel, a new project, its test, its server, and a client of each kind."""

import json
import re
import urllib.request
import zipfile
from pathlib import Path

import pytest
from websockets.sync.client import connect

from quickstart.newcomer import DEADLINE, SERVES, Block, Environment, Newcomer, blocks

pytestmark = [pytest.mark.server, pytest.mark.timeout(400), pytest.mark.xdist_group("quickstart")]

WELCOME = {"welcome to": "/ws/echo/"}
ANSWER = {"you said": {"text": "hello"}}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("newcomer"))


def follow(environment: Environment, folder: Path, read: list[Block]) -> Newcomer:
    newcomer = Newcomer(environment, folder)
    for block in read:
        newcomer.follow(block)
    return newcomer


def talk(newcomer: Newcomer, port: int) -> None:
    """See that the server serves: websockets to a library and to our own client, and HTTP as before."""
    with connect(f"ws://127.0.0.1:{port}/ws/echo/", open_timeout=DEADLINE, proxy=None) as ws:
        assert json.loads(ws.recv(DEADLINE)) == WELCOME
        ws.send('{"text": "hello"}')
        assert json.loads(ws.recv(DEADLINE)) == ANSWER
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/admin/login/", timeout=DEADLINE) as response:
        assert b"csrfmiddlewaretoken" in response.read()
    line = f"python manage.py ws_connect /ws/echo/ --host {port} --receive 2 --wait 60 2>/dev/null"
    said = newcomer.run(line, stdin='{"text": "hello"}\n').splitlines()
    assert [json.loads(message) for message in said] == [WELCOME, ANSWER]


def test_by_init(environment: Environment, tmp_path: Path) -> None:
    first, in_other_terminal = (block for block in blocks("## Quick start") if block.language == "sh")
    assert first.lines()[-1] == SERVES
    newcomer = follow(environment, tmp_path, [first])
    tested = newcomer.seen["python manage.py test"]
    assert re.search(r"Ran 1 test in .*\n\nOK\n", tested), tested
    assert "no issues" in newcomer.run("python manage.py check")
    listing, talking = in_other_terminal.lines()
    assert "ws/echo/" in newcomer.run(listing)
    with newcomer.serving() as port:
        talk(newcomer, port)
        closed = newcomer.run(f"{talking} --host {port}", stdin="/close 4000 bye\n")
        assert "Closed with 4000" in closed
    # A second time it is refused, with nothing changed.
    written = {path: path.read_bytes() for path in newcomer.project.rglob("*.py")}
    refused = newcomer.run("! python -m django_ws init")
    assert "Nothing has been changed" in refused
    assert written == {path: path.read_bytes() for path in newcomer.project.rglob("*.py")}


def test_by_hand(environment: Environment, tmp_path: Path) -> None:
    newcomer = follow(environment, tmp_path, blocks("### The same by hand"))
    tested = newcomer.seen["python manage.py test"]
    assert re.search(r"Ran 1 test in .*\n\nOK\n", tested), tested
    assert "no issues" in newcomer.seen["python manage.py check"]
    with newcomer.serving() as port:
        talk(newcomer, port)


def test_the_wheel_has_the_templates_and_the_types(environment: Environment) -> None:
    names = set(zipfile.ZipFile(environment.wheel).namelist())
    home = "django_ws/management/project/templates"
    templates = {f"{home}/{name}.py-tpl" for name in ("asgi", "test_ws", "ws", "ws_urls")}
    assert {*templates, "django_ws/py.typed", "django_ws/__main__.py"} <= names
