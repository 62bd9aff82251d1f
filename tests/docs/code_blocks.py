"""The blocks of code of a page of the documentation, and the files that it includes by reference."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    directive: str
    """The name in braces; empty for a plain block."""
    language: str
    """The language of a plain block."""
    argument: str
    options: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @override
    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> Path:
        """The file that a ``literalinclude`` names."""
        assert self.directive == "literalinclude", self
        return (self.page.parent / self.argument).resolve()

    def included(self) -> str:
        """Give the part of the file that is shown."""
        lines = self.file.read_text("utf-8").splitlines(keepends=True)
        first, last = 0, len(lines)
        if "start-at" in self.options:
            first = self._find(lines, self.options["start-at"], 0)
        if "start-after" in self.options:
            first = self._find(lines, self.options["start-after"], 0) + 1
        if "end-before" in self.options:
            last = self._find(lines, self.options["end-before"], first)
        if "end-at" in self.options:
            last = self._find(lines, self.options["end-at"], first) + 1
        known = {"start-at", "start-after", "end-before", "end-at", "caption", "language", "emphasize-lines", "name"}
        assert set(self.options) <= known, f"{self}: {set(self.options) - known}"
        return "".join(lines[first:last])

    def _find(self, lines: list[str], text: str, first: int) -> int:
        for number in range(first, len(lines)):
            if text in lines[number]:
                return number
        raise AssertionError(f"{self}: there is no line with {text!r} in {self.argument}")

    def emphasized(self) -> list[int]:
        """Give the numbers of the lines that are marked."""
        found: list[int] = []
        for part in filter(None, self.options.get("emphasize-lines", "").split(",")):
            first, dash, last = part.strip().partition("-")
            end = int(last) if last else len(self.included().splitlines()) if dash else int(first)
            found += range(int(first), end + 1)
        return found


def blocks_of(page: Path) -> list[Block]:
    """Give the fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        info, body = match["info"].strip(), match["body"]
        directive = re.fullmatch(r"\{([\w:-]+)\}\s*(.*)", info)
        if directive is None:
            found.append(Block(page, line, "", info, "", {}, body))
            continue
        options = dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", body, re.MULTILINE))
        options = {name: value.strip() for name, value in options.items()}
        found.append(Block(page, line, directive[1], "", directive[2].strip(), options, body))
    return found


def pages_of(folder: str) -> list[Path]:
    """Give the pages of a folder in the order of its index."""
    index = DOCS / folder / "index.md"
    (tree,) = [block for block in blocks_of(index) if block.directive == "toctree"]
    names = [line for line in tree.body.splitlines() if line and not line.startswith(":")]
    pages = [DOCS / folder / f"{name}.md" for name in names]
    assert sorted([index, *pages]) == sorted((DOCS / folder).glob("*.md")), "the index lists every page, and no other"
    return [index, *pages]
