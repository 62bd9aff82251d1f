"""The site of the documentation, built once for all tests of a worker."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple

from typing_extensions import override

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"


OFFLINE: Final = """
import socket, sys

def refuse(event, args):
    # A socket of the machine itself joins processes.
    local = event == "socket.connect" and args[0].family == getattr(socket, "AF_UNIX", None)
    if event in {"socket.getaddrinfo", "socket.connect"} and not local:
        raise OSError(f"the site is built without a network: {event}{args}")

sys.addaudithook(refuse)
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""
"""Sphinx where whoever asks for a network gets an error."""


class Entry(NamedTuple):
    """One thing that the site has a place for."""

    name: str
    role: str
    page: str


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif value and (tag, name) in {("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")}:
                self.links.append(value)


class Site:
    """What ``make docs`` makes, without a network.

    Args:
        folder: Where it is built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder / "html"
        command = [sys.executable, "-c", OFFLINE, "-n", "-T", "-W", "--keep-going", "-q", "-b", "html"]
        done = subprocess.run(
            [*command, "-d", str(folder / "doctrees"), str(DOCS), str(self.folder)],
            check=False,
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=280,
        )
        self.output: str = done.stdout
        self.status: int = done.returncode

    @cached_property
    def pages(self) -> dict[str, _Links]:
        """The pages by their paths, with what they link to."""
        pages: dict[str, _Links] = {}
        for file in sorted(self.folder.rglob("*.html")):
            pages[file.relative_to(self.folder).as_posix()] = links = _Links()
            links.feed(file.read_text("utf-8"))
        return pages

    @cached_property
    def prose(self) -> list[str]:
        """The pages that somebody wrote: not the index, nor the sources of modules."""
        made = re.compile(r"_modules/|genindex|py-modindex|search")
        return [page for page in self.pages if not made.match(page)]

    @cached_property
    def entries(self) -> list[Entry]:
        """What the inventory of the site has."""
        return list(read_inventory((self.folder / "objects.inv").read_bytes()))


def read_inventory(data: bytes) -> Iterator[Entry]:
    """Read a Sphinx inventory, version 2: four lines of text, and the rest compressed."""
    import zlib

    body = data.split(b"\n", 4)[4]
    for line in zlib.decompress(body).decode().splitlines():
        name, role, _, page, _ = line.split(" ", 4)
        yield Entry(name, role, page.partition("#")[0])
