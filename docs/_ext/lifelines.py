"""``{life} begin``: a sequence diagram of a part of a socket's life, drawn from a record of what really happened.

The record is ``explain/life.json``. ``tests/docs/life.py`` writes it by running the application, and a test lives every
life again and compares, so a picture of an order that no longer holds fails the build of the project.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from drawing import TEXT, Box, figure, rectangle, svg, text, tip
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutils import nodes
    from sphinx.application import Sphinx

RECORD: Final = Path(__file__).resolve().parents[1] / "explain" / "life.json"
ACTORS: Final = ("server", "django-ws", "middleware", "socket", "task")
"""From the wire inwards."""
TITLES: Final = {
    "begin": "From the handshake to the first message",
    "client-closes": "The client closes",
    "client-vanishes": "The client vanishes while a hook runs",
    "we-close": "The socket closes",
    "hook-raises": "A hook raises",
    "server-stops": "The server shuts down",
    "foreign-origin": "A handshake from another site",
    "permission-denied": "on_connect raises PermissionDenied",
}

_HEAD, _GAP, _ROW, _BOX, _EDGE = 26.0, 8.0, 33.0, 24.0, 2.0
_BOLD, _NARROWEST = 7.7, 340.0


class Event(NamedTuple):
    """Something that happened."""

    source: str
    """Who did it; empty: nobody, time passed."""
    target: str
    """To whom; empty: to nobody else."""
    what: str
    """In a few words."""

    @property
    def told(self) -> str:
        """Tell it in words."""
        if self.target:
            return f"{self.source} to {self.target}: {self.what}"
        return f"{self.source}: {self.what}" if self.source else self.what


def lives(record: Path = RECORD) -> dict[str, list[Event]]:
    """Read the record."""
    found: dict[str, list[list[str]]] = json.loads(record.read_text("utf-8"))
    told: dict[str, list[Event]] = {}
    for name, events in found.items():
        told[name] = []
        for where, what in events:
            source, _, target = where.partition(" > ")
            told[name].append(Event(source, target, what))
    return told


def columns(events: "Sequence[Event]") -> tuple[dict[str, Box], float]:
    """Give each of those who take part the box of its name, and the width of the picture."""
    named = {name for event in events for name in (event.source, event.target)}
    boxes: dict[str, Box] = {}
    x = _EDGE
    for name in ACTORS:
        if name in named:
            width = len(name) * _BOLD + 10
            boxes[name] = Box(x, _EDGE, width, _HEAD)
            x += width + _GAP
    if unknown := named - {*ACTORS, ""}:
        raise ValueError(f"nobody is called {', '.join(sorted(unknown))}")
    taken = x - _GAP + _EDGE
    # What is said beside a lifeline needs room, too, where there are few.
    width = max(taken, _NARROWEST)
    return {name: box._replace(x=box.x + (width - taken) / 2) for name, box in boxes.items()}, width


def _clamped(x: float, width: float, room: float) -> float:
    """Move the middle of something so that it stays within the picture."""
    return min(max(x, width / 2 + _EDGE), room - width / 2 - _EDGE)


def draw(name: str, events: "Sequence[Event]") -> str:
    """Draw one life."""
    boxes, width = columns(events)
    middle = {actor: box.x + box.width / 2 for actor, box in boxes.items()}
    height = _EDGE + _HEAD + 8 + _ROW * len(events) + 10
    lines: list[str] = []
    parts: list[str] = []
    for actor, box in boxes.items():
        x = middle[actor]
        lines.append(f'<path d="M{x:g} {box.y + box.height:g} V{height:g}" class="faint"/>')
        parts += [rectangle(box, "box main"), text(x, box.y + box.height / 2, actor, "strong")]
    y = _EDGE + _HEAD + 8
    for event in events:
        words = len(event.what) * TEXT
        if event.target:
            start, end = middle[event.source], middle[event.target]
            line, way = y + _ROW - 6, 1 if end > start else -1
            parts += [
                f'<path d="M{start:g} {line:g} H{end:g}" class="line"/>',
                tip(end, line, way, 0),
                text(_clamped((start + end) / 2, words, width), line - 12, event.what, "halo"),
            ]
        elif event.source:
            box = Box(_clamped(middle[event.source], words + 14, width) - words / 2 - 7, y + 6, words + 14, _BOX)
            parts += [rectangle(box, "box"), text(box.x + box.width / 2, box.y + _BOX / 2, event.what)]
        else:
            parts += [
                f'<path d="M{_EDGE:g} {y + _ROW / 2:g} H{width - _EDGE:g}" class="line dashed"/>',
                text(width / 2, y + _ROW / 2, event.what, "halo quiet"),
            ]
        y += _ROW
    return svg((width, height), lines + parts, TITLES[name], "; ".join(event.told for event in events) + ".")


class Life(SphinxDirective):
    """The diagram of one life."""

    required_arguments = 1

    def run(self) -> "list[nodes.Node]":
        """Draw it."""
        self.env.note_dependency(str(RECORD))
        name, found = self.arguments[0], lives()
        if name not in found:
            raise self.error(f"no life is called {name!r}: {', '.join(found)}")
        return figure(f"life-{name}", draw(name, found[name]))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("life", Life)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
