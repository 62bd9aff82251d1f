"""``{states} peer`` and ``{states} application``: the state diagrams, drawn from the transition tables themselves.

The tables of :mod:`django_ws.protocol.states` are all that the machine uses, so a picture made of them cannot say
anything else. The layout is the usual layered one, for few states: a state stands below all that lead to it, an edge
that passes a row passes between its states, and the order in each row is the one with the fewest crossings. An event
that leads to one state from several is drawn once, from a frame around these.
"""

from collections import defaultdict
from itertools import pairwise, permutations, product
from typing import TYPE_CHECKING, Final, NamedTuple

from docutils import nodes
from drawing import FONT, MONO, TEXT, Box, figure, rectangle, svg, text, tip
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sphinx.application import Sphinx

_HEIGHT, _SPACE, _GAP, _LOOP, _LANE, _MARGIN, _LINE = 30, 62, 14, 26, 18, 14, 15


class Edge(NamedTuple):
    """Events that lead from one state to another."""

    source: str
    target: str
    events: tuple[str, ...]
    by_peer: bool = False
    """Whether the peer's event moves the application: such an edge is dashed."""

    @property
    def label(self) -> str:
        """What stands beside it."""
        return ", ".join(self.events)


class Diagram(NamedTuple):
    """What is drawn."""

    states: tuple[str, ...]
    edges: tuple[Edge, ...]
    framed: tuple[str, ...] = ()
    """States with an edge in common."""
    out: Edge | None = None
    """That edge; its source is the frame."""

    def transitions(self) -> set[tuple[str, str, str]]:
        """Give what the drawing says, as (state, event, state)."""
        found = {(edge.source, event, edge.target) for edge in self.edges for event in edge.events}
        if self.out is not None:
            found |= {(state, event, self.out.target) for state in self.framed for event in self.out.events}
        return found


def tables(side: str) -> tuple[tuple[str, ...], dict[tuple[str, str, bool], list[str]]]:
    """Read the tables of one side: its states, and (from, to, whether by the peer) -> events."""
    from django_ws.protocol import states

    found: defaultdict[tuple[str, str, bool], list[str]] = defaultdict(list)
    if side == "peer":
        for state, row in states.PEER_TRANSITIONS.items():
            for event, after in row.items():
                found[state.name, after.name, False].append(event.__name__)
        return tuple(state.name for state in states.PeerState), found
    for state, own in states.APPLICATION_TRANSITIONS.items():
        for event, after in own.items():
            found[state.name, after.name, False].append(event.__name__)
    for event, effects in states.PEER_EFFECTS.items():
        for before, after in effects.items():
            found[before.name, after.name, True].append(event.__name__)
    return tuple(state.name for state in states.ApplicationState), found


def diagram(side: str) -> Diagram:
    """Say what is to be drawn for one side."""
    names, found = tables(side)
    sources: defaultdict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for (before, after, by_peer), events in found.items():
        if before != after:
            for event in events:
                sources[event, after, by_peer].append(before)
    # The events that lead to one state from the most, if these are three at least.
    best = max(sources.items(), key=lambda item: len(item[1]))
    framed: tuple[str, ...] = ()
    out: Edge | None = None
    (_, after, by_peer), states = best
    if len(states) > 2:  # noqa: PLR2004 - two edges are as easy to read as a frame
        framed = tuple(states)
        shared = tuple(event for (event, to, peer), of in sources.items() if (to, peer, of) == (after, by_peer, states))
        out = Edge("", after, shared, by_peer)
    edges: list[Edge] = []
    for (before, to, peer), events in found.items():
        left = tuple(
            event
            for event in events
            if out is None or before not in framed or (to, peer) != (after, by_peer) or event not in out.events
        )
        if left:
            edges.append(Edge(before, to, left, peer))
    return Diagram(names, tuple(edges), framed, out)


# --- layout ---------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """Where everything stands."""

    boxes: dict[str, Box]
    paths: list[tuple[Edge, list[tuple[float, float]]]]
    labels: list[tuple[Edge, Box]]
    frame: Box | None
    width: float
    height: float


def ranks(picture: Diagram) -> dict[str, int]:
    """Give each state its row: below all that lead to it. Those with a frame come before what it leads to."""
    links = {(edge.source, edge.target) for edge in picture.edges if edge.source != edge.target}
    if picture.out is not None:
        links |= {(state, picture.out.target) for state in picture.framed}
    rank = dict.fromkeys(picture.states, 0)
    for _ in picture.states:
        for before, after in links:
            rank[after] = max(rank[after], rank[before] + 1)
    if max(rank.values()) >= len(picture.states):
        raise ValueError(f"the states {picture.states} lead in a circle, which this layout cannot draw")
    return rank


def arrange(picture: Diagram) -> tuple[list[list[str]], list[tuple[Edge, list[str]]]]:
    """Order each row; give the rows, and for each edge the places it passes. ``edge:row`` is one between states."""
    rank = ranks(picture)
    rows: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for state in picture.states:
        rows[rank[state]].append(state)
    routes: list[tuple[Edge, list[str]]] = []
    for number, edge in enumerate(picture.edges):
        between = [f"{number}:{row}" for row in range(rank[edge.source] + 1, rank[edge.target])]
        for name in between:
            rows[int(name.partition(":")[2])].append(name)
        routes.append((edge, [edge.source, *between, edge.target]))
    links = [link for edge, route in routes if edge.source != edge.target for link in pairwise(route)]

    def crossings(order: "Sequence[Sequence[str]]") -> int:
        at = {name: index for row in order for index, name in enumerate(row)}
        row_of = {name: index for index, row in enumerate(order) for name in row}
        return sum(
            row_of[a] == row_of[c] and (at[a] - at[c]) * (at[b] - at[d]) < 0
            for index, (a, b) in enumerate(links)
            for c, d in links[:index]
        )

    best = min(product(*(list(permutations(row)) for row in rows)), key=crossings)
    return [list(row) for row in best], routes


def lay_out(picture: Diagram) -> Layout:
    """Place it all."""
    rows, routes = arrange(picture)
    loops = {edge.source: edge for edge, _ in routes if edge.source == edge.target}

    def space(name: str) -> float:
        if ":" in name:
            return _LANE
        beside = _LOOP + len(loops[name].label) * TEXT if name in loops else 0
        return len(name) * MONO + 18 + beside

    inner = max(sum(map(space, row)) + _GAP * (len(row) - 1) for row in rows)
    left = _MARGIN + (_LANE if picture.framed else 0)
    width = left + inner + _MARGIN
    boxes: dict[str, Box] = {}
    middle: dict[str, tuple[float, float]] = {}
    y = 34.0
    last = max((index for index, row in enumerate(rows) if set(row) & set(picture.framed)), default=-1)
    for index, row in enumerate(rows):
        gap = (inner - sum(map(space, row))) / (len(row) + 1)
        x = left + gap
        for name in row:
            own = _LANE if ":" in name else len(name) * MONO + 18
            if ":" not in name:
                boxes[name] = Box(x, y, own, _HEIGHT)
            middle[name] = (x + own / 2, y + _HEIGHT / 2)
            x += space(name) + gap
        # What leaves the frame needs room for its words, below the frame.
        y += _HEIGHT + _SPACE + (_LINE if index == last else 0)
    height = y - _SPACE + 12
    frame = _frame(picture, boxes, width)
    paths, labels = _edges(routes, boxes, middle)
    if picture.out is not None and frame is not None:
        target = boxes[picture.out.target]
        x = target.x + target.width - 14
        bottom = frame.y + frame.height
        paths.append((picture.out, [(x, bottom), (x, target.y)]))
        # One event a line: it is narrow there, between the other edges.
        y = (bottom + target.y - _LINE * len(picture.out.events)) / 2
        own: list[tuple[Edge, Box]] = []
        for event in picture.out.events:
            own.append((picture.out._replace(events=(event,)), Box(x + 6, y, len(event) * TEXT, FONT)))
            y += _LINE
        # First, for they are to stay together.
        labels = own + labels
    labels = _apart(labels, boxes)
    return Layout(boxes, paths, labels, frame, width, height)


def _frame(picture: Diagram, boxes: dict[str, Box], width: float) -> Box | None:
    if not picture.framed:
        return None
    top = min(boxes[state].y for state in picture.framed) - 10
    bottom = max(boxes[state].y + _HEIGHT for state in picture.framed) + 12
    return Box(4, top, width - 8, bottom - top)


def _edges(
    routes: "Iterable[tuple[Edge, list[str]]]",
    boxes: dict[str, Box],
    middle: dict[str, tuple[float, float]],
) -> tuple[list[tuple[Edge, list[tuple[float, float]]]], list[tuple[Edge, Box]]]:
    """Draw each edge from box to box; several of one box leave and arrive side by side, in the order of their ends."""
    routes = list(routes)
    leaving: defaultdict[str, list[int]] = defaultdict(list)
    arriving: defaultdict[str, list[int]] = defaultdict(list)
    for index, (edge, _route) in enumerate(routes):
        if edge.source != edge.target:
            leaving[edge.source].append(index)
            arriving[edge.target].append(index)
    for found, step in ((leaving, 1), (arriving, -2)):
        for indexes in found.values():
            indexes.sort(key=lambda index: middle[routes[index][1][step]][0])
    paths: list[tuple[Edge, list[tuple[float, float]]]] = []
    labels: list[tuple[Edge, Box]] = []
    for index, (edge, route) in enumerate(routes):
        words = len(edge.label) * TEXT
        source, target = boxes[edge.source], boxes[edge.target]
        if edge.source == edge.target:
            right, y = source.x + source.width, source.y + _HEIGHT / 2
            paths.append((edge, [(right, y - 7), (right + 18, y - 7), (right + 18, y + 7), (right, y + 7)]))
            labels.append((edge, Box(right + 24, y - FONT / 2, words, FONT)))
            continue
        start = (_port(source, leaving[edge.source], index), source.y + _HEIGHT)
        end = (_port(target, arriving[edge.target], index), target.y)
        points = [start]
        for name in route[1:-1]:
            x, y = middle[name]
            points += [(x, y - _HEIGHT / 2), (x, y + _HEIGHT / 2)]
        points.append(end)
        paths.append((edge, points))
        (x1, y1), (x2, y2) = points[0], points[1]
        labels.append((edge, Box((x1 + x2) / 2 - words / 2, (y1 + y2) / 2 - FONT / 2, words, FONT)))
    return paths, labels


def _port(box: Box, indexes: list[int], index: int) -> float:
    return box.x + box.width * (indexes.index(index) + 1) / (len(indexes) + 1)


def _apart(labels: list[tuple[Edge, Box]], boxes: dict[str, Box]) -> list[tuple[Edge, Box]]:
    """Move labels of one row up and down where they would lie on each other."""
    placed: list[tuple[Edge, Box]] = []
    for edge, box in labels:
        tries = [box._replace(y=box.y + dy) for dy in (0, -15, 15, -8, 8, -22, 22)]
        taken = [other for _, other in placed] + list(boxes.values())
        free = [each for each in tries if not any(each.overlaps(other) for other in taken)]
        placed.append((edge, free[0] if free else box))
    return placed


# --- drawing --------------------------------------------------------------------------------------


def draw(picture: Diagram, title: str) -> str:
    """Draw it."""
    layout = lay_out(picture)
    parts: list[str] = []
    if layout.frame is not None:
        parts.append(rectangle(layout.frame, "frame", 10))
    first = layout.boxes[picture.states[0]]
    x = first.x + first.width / 2
    parts += [f'<circle cx="{x:g}" cy="10" r="5" class="dot"/>', f'<path d="M{x:g} 15 V{first.y:g}" class="line"/>']
    parts.append(tip(x, first.y, 0, 1))
    for edge, points in layout.paths:
        kind = "line dashed" if edge.by_peer else "line"
        parts.append(f'<path d="{_curve(points)}" class="{kind}"/>')
        (x1, y1), (x2, y2) = points[-2], points[-1]
        # A curve arrives upright.
        parts.append(tip(x2, y2, *((x2 - x1, 0) if y1 == y2 else (0, y2 - y1))))
    ends = {
        state for state in picture.states if all(edge.source != state or edge.target == state for edge in picture.edges)
    }
    ends -= set(picture.framed)
    for state, box in layout.boxes.items():
        parts.append(rectangle(box, "box main" if state in ends else "box", 15))
        parts.append(text(box.x + box.width / 2, box.y + box.height / 2, state, "name"))
    for edge, box in layout.labels:
        parts.append(text(box.x, box.y + box.height / 2, edge.label, "halo", "start"))
    told = "; ".join(
        f"{before} and {event}: {after}" for before, event, after in sorted(picture.transitions(), key=_order(picture))
    )
    return svg((layout.width, layout.height), parts, title, f"State, event, and the state after. {told}.")


def _order(picture: Diagram) -> "Callable[[tuple[str, str, str]], tuple[int, str]]":
    return lambda found: (picture.states.index(found[0]), found[1])


def _curve(points: "Sequence[tuple[float, float]]") -> str:
    """Write a path that leaves and arrives upright."""
    x, y = points[0]
    path = f"M{x:.4g} {y:.4g}"
    for (x1, y1), (x2, y2) in pairwise(points):
        if x1 == x2 or y1 == y2:
            path += f" L{x2:.4g} {y2:.4g}"
        else:
            half = (y1 + y2) / 2
            path += f" C{x1:.4g} {half:.4g} {x2:.4g} {half:.4g} {x2:.4g} {y2:.4g}"
    return path


TITLES: Final = {
    "peer": "The states of the peer",
    "application": "The states of the application",
}


class States(SphinxDirective):
    """The diagram of one side."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        side = self.arguments[0]
        if side not in TITLES:
            raise self.error(f"no side is called {side!r}: {' or '.join(TITLES)}")
        return figure(f"states-{side}", draw(diagram(side), TITLES[side]))


if TYPE_CHECKING:
    from collections.abc import Callable


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("states", States)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
