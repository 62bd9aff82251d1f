"""A newcomer follows docs/tutorial: writes its files, runs its commands, and gets the projects of examples/tutorial."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from browser.conftest import ARGUMENTS
from browser.harness import CHROMIUM
from docs.code_blocks import ROOT, Block, blocks_of, pages_of
from topics.engines import support_valkey

STEPS = ROOT / "examples" / "tutorial"
DEADLINE = 60.0
SERVERS = ("python manage.py runserver", "uvicorn ")
PAGES = [page for page in pages_of("tutorial") if page.name != "index.md"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Newcomer:
    """Does what the pages say, in a folder of their own and in this environment."""

    def __init__(self, folder: Path, valkey: str) -> None:
        self.folder = folder
        self.valkey = valkey
        self.port = free_port()
        self.environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "",
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.said = ""
        self.written: set[Path] = set()
        self.skipped: list[str] = []

    @property
    def project(self) -> Path:
        return self.folder / "mysite"

    def follow(self, page: Path) -> None:
        for block in blocks_of(page):
            if block.directive == "literalinclude":
                self.write(block)
            elif block.language == "sh":
                self.said = ""
                for line in block.body.splitlines():
                    self.do(line)
            elif block.language == "text":
                self.compare(block)
            else:
                raise AssertionError(f"{block}: nobody runs {block.language or block.directive!r}")
        self.stop()

    def write(self, block: Block) -> None:
        name, _, where = block.options["caption"].partition(", ")
        path = self.project / name
        text = block.included()
        if where == "at its end":
            text = f"{path.read_text('utf-8')}\n{text}"
        else:
            assert not where, block
            assert text == block.file.read_text("utf-8"), f"{block}: a file is shown in full, or is added to"
        lines = len(block.included().splitlines())
        assert all(number <= lines for number in block.emphasized()), f"{block}: {lines} lines"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.written.add(path.relative_to(self.project))

    def do(self, line: str) -> None:
        if line.startswith("pip install "):
            self.skipped.append(line)
        elif line.startswith("cd "):
            assert line == "cd mysite"
            assert self.project.is_dir()
        elif line.startswith(SERVERS):
            self.serve(line)
        elif line.startswith("export "):
            said = self.run(f"{line.replace('redis://127.0.0.1:6379/0', self.valkey)} && env -0")
            found = dict(entry.split("=", 1) for entry in said.split("\0") if "=" in entry)
            name = re.split(r"[ =]", line)[1]
            self.environment[name] = found[name]
        else:
            self.said += self.run(line)

    def run(self, line: str) -> str:
        if " ws_connect " in line:
            line = f"{line} --host {self.port}"
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.project if self.project.is_dir() else self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{self.log()}"
        return done.stdout

    def compare(self, block: Block) -> None:
        """What the page shows is in what was said, in its order; more may stand between, and at the end of a line."""
        found = iter(self.said.splitlines())
        for line in block.body.splitlines():
            assert any(said.rstrip().startswith(line) for said in found), f"{block}: {line!r} is not in\n{self.said}"

    def serve(self, line: str) -> None:
        self.stop()
        line = f"{line} {self.port}" if "runserver" in line else line.replace("8000", str(self.port))
        with (self.folder / "server.log").open("wb") as log:
            self.server = subprocess.Popen(
                ["sh", "-c", f"exec {line}"],
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.server.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        file = self.folder / "server.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def stop(self) -> None:
        if self.server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.server.pid, signal.SIGINT)
            try:
                self.server.wait(DEADLINE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.server.pid, signal.SIGKILL)
                self.server = None


def state_of(newcomer: Newcomer) -> dict[str, str]:
    return {str(path): (newcomer.project / path).read_text("utf-8") for path in sorted(newcomer.written)}


def state_of_step(number: int) -> dict[str, str]:
    step = STEPS / f"step{number}"
    files = [path for path in step.rglob("*") if path.is_file() and path.suffix not in {".pyc", ".sqlite3"}]
    return {str(path.relative_to(step)): path.read_text("utf-8") for path in sorted(files)}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Newcomer, list[dict[str, str]]]]:
    """Follow all of it, once; give the newcomer, and the project after each page."""
    folder = tmp_path_factory.mktemp("tutorial")
    with support_valkey.running() as valkey:
        newcomer = Newcomer(folder, valkey.url)
        states = []
        try:
            for page in PAGES:
                newcomer.follow(page)
                states.append(state_of(newcomer))
            yield newcomer, states
        finally:
            newcomer.stop()


@pytest.mark.server
@pytest.mark.xdist_group("tutorial")
@pytest.mark.timeout(300)
class TestTutorial:
    @pytest.mark.parametrize("number", range(1, len(PAGES) + 1))
    def test_after_each_page_the_project_is_that_of_its_step(
        self, followed: tuple[Newcomer, list[dict[str, str]]], number: int
    ) -> None:
        _, states = followed
        expected, got = state_of_step(number), states[number - 1]
        # startproject and startapp have written these, and the pages do not show them.
        theirs = {"manage.py", "mysite/__init__.py", "chat/__init__.py", "mysite/settings.py"}
        if number == 1:
            theirs.add("mysite/urls.py")
        assert set(expected) - set(got) <= theirs
        assert {name: text for name, text in got.items() if name not in theirs} == {
            name: text for name, text in expected.items() if name not in theirs
        }
        added = expected["mysite/settings.py"].partition("# --- django-ws ---")[2].split()
        assert got["mysite/settings.py"].split()[-len(added) :] == added

    def test_only_what_is_installed_is_not_run(self, followed: tuple[Newcomer, list[dict[str, str]]]) -> None:
        newcomer, _ = followed
        assert newcomer.skipped == [
            'pip install "django-ws[server,client,msgspec]"',
            'pip install "django-ws[valkey]"',
        ]

    @pytest.mark.browser
    @pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
    def test_two_people_in_a_browser(self, followed: tuple[Newcomer, list[dict[str, str]]]) -> None:
        newcomer, _ = followed
        newcomer.environment.pop("DJANGO_SETTINGS_MODULE", None)
        newcomer.serve("python manage.py runserver --noreload")
        room = f"http://127.0.0.1:{newcomer.port}/rooms/tea/"
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                pages = {}
                for name in ("ada", "boss"):
                    page = pages[name] = browser.new_context().new_page()
                    page.goto(room)
                    page.fill("[name=username]", name)
                    page.fill("[name=password]", "tea-time")
                    page.click("button")
                    expect(page.locator("#log")).to_contain_text(f"{name} came in")
                pages["ada"].fill("#text", "hello")
                expect(pages["boss"].locator("#typing")).to_have_text("ada is typing")
                pages["ada"].click("button")
                for page in pages.values():
                    expect(page.locator("#log")).to_contain_text("ada: hello")
                pages["ada"].goto(f"http://127.0.0.1:{newcomer.port}/rooms/staff/")
                expect(pages["ada"].locator("#log")).to_contain_text("The connection has ended (4403 Forbidden)")
                browser.close()
        finally:
            newcomer.stop()


def test_every_step_is_a_page_and_every_page_a_step() -> None:
    assert [path.name for path in sorted(STEPS.iterdir()) if path.is_dir()] == [
        f"step{number}" for number in range(1, len(PAGES) + 1)
    ]


@pytest.mark.parametrize("name", ["nginx", "systemd-analyze"])
def test_what_the_last_page_hands_to_others_is_valid(name: str, tmp_path: Path) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name}")
    deploy = STEPS / "step6" / "deploy"
    if name == "systemd-analyze":
        unit = tmp_path / "mysite.service"
        unit.write_text((deploy / "mysite.service").read_text().replace("/srv/mysite/venv/bin/uvicorn", "/bin/true"))
        command = [program, "verify", str(unit)]
    else:
        from topics.engines.certificates import make_certificates

        files = make_certificates(tmp_path)
        text = (deploy / "nginx.conf").read_text("utf-8")
        text = text.replace("/etc/ssl/chat.example.pem", files.certificate)
        text = text.replace("/etc/ssl/chat.example.key", files.key)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
        (tmp_path / "nginx.conf").write_text(
            f"error_log stderr; pid {tmp_path}/pid; events {{}} http {{ {folders} {text} }}"
        )
        command = [program, "-t", "-q", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
