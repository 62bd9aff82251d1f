"""The pictures of how the cost grows, as plain SVG that suits a light page and a dark one."""

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from benchmarks.implementations import implementation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.results import Results

__all__ = ["PICTURES", "Picture", "draw", "write_pictures"]

_WIDTH: Final = 640
_HEIGHT: Final = 360
_LEFT: Final = 70
_RIGHT: Final = 150
_TOP: Final = 40
_BOTTOM: Final = 50
_COLOURS: Final = ("#7a7a7a", "#0a7f4f", "#c2571a", "#6a51a3")
_DASHES: Final = ("6 3", "", "2 3", "8 3 2 3")
_ORDER: Final = ("ceiling", "django-ws", "starlette", "channels")
"""Each has its own colour and dashes, the same in every picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What one picture shows."""

    name: str
    """Its name in the results, and its file."""
    title: str
    """Its heading."""
    across: str
    """What grows."""
    upwards: str
    """What it costs."""
    logarithmic: bool
    """Whether both scales are."""


PICTURES: Final = (
    Picture("size", "JSON message, in-process", "bytes of a message", "µs per message", logarithmic=True),
    Picture("connections", "JSON echo over uvicorn", "connections", "messages per second", logarithmic=True),
    Picture("middleware-connection", "Connection, in-process", "middleware", "µs per connection", logarithmic=False),
    Picture("middleware-message", "JSON message, in-process", "middleware", "µs per message", logarithmic=False),
)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Places figures along one axis."""

    first: float
    last: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, figure: float) -> float:
        """Give the place of a figure."""
        if self.logarithmic:
            share = math.log(figure / self.first) / (math.log(self.last / self.first) or 1)
        else:
            share = (figure - self.first) / ((self.last - self.first) or 1)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Give round figures within the scale."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.first)), math.ceil(math.log10(self.last)) + 1)
            return [10.0**power for power in powers if self.first <= 10.0**power <= self.last * 1.001]
        # Fewer than four lines say too little.
        power = 10.0 ** math.floor(math.log10(self.last or 1))
        step = next(step for step in (power, power / 2, power / 5, power / 10) if self.last / step >= 4)  # noqa: PLR2004
        return [step * number for number in range(int(self.last / step) + 1)]


def draw(picture: Picture, series: "Mapping[str, Mapping[str, Sequence[float]]]") -> str:
    """Draw the medians of each point as lines."""
    lines = {
        name: sorted((float(point), median(samples)) for point, samples in points.items() if median(samples) > 0)
        for name, points in series.items()
    }
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    low_y = 10.0 ** math.floor(math.log10(min(ys))) if picture.logarithmic else 0.0
    high_y = 10.0 ** math.ceil(math.log10(max(ys))) if picture.logarithmic else max(ys) * 1.1
    across = _Scale(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT, picture.logarithmic)
    upwards = _Scale(low_y, high_y, _HEIGHT - _BOTTOM, _TOP, picture.logarithmic)
    parts = [*_frame(picture), *_grid(across, upwards)]
    for number, name in enumerate(name for name in _ORDER if name in lines):
        style = _ORDER.index(name)
        points = [(across(x), upwards(y)) for x, y in lines[name]]
        parts += _series(implementation(name).title, number, style, points)
    return "\n".join([*parts, "</svg>", ""])


def _frame(picture: Picture) -> list[str]:
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            'font-family="system-ui, sans-serif" font-size="12">'
        ),
        f"<title>{escape(f'{picture.title}: {picture.upwards} by {picture.across}')}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14" font-weight="600">{escape(picture.title)}</text>',
        f'<text x="{middle:g}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(picture.across)}</text>',
        (
            f'<text transform="translate(16 {_HEIGHT / 2:g}) rotate(-90)" text-anchor="middle">'
            f"{escape(picture.upwards)}</text>"
        ),
    ]


def _grid(across: _Scale, upwards: _Scale) -> list[str]:
    parts = []
    for tick in across.ticks():
        x = f"{across(tick):.1f}"
        parts.append(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{_label(tick)}</text>')
    for tick in upwards.ticks():
        y = f"{upwards(tick):.1f}"
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y}" dy="4" text-anchor="end">{_label(tick)}</text>')
    return parts


def _label(tick: float) -> str:
    return f"{tick:,.0f}" if tick >= 1 else f"{tick:g}"


def _series(title: str, number: int, style: int, points: "Sequence[tuple[float, float]]") -> list[str]:
    colour, dash = _COLOURS[style], _DASHES[style]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>']
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    x, y = _WIDTH - _RIGHT + 12, _TOP + 12 + number * 20
    parts.append(
        f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    )
    parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(title.split(" (", maxsplit=1)[0])}</text>')
    return parts


def write_pictures(results: "Results", folder: "Path") -> "list[Path]":
    """Write the pictures for which there are figures."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in PICTURES:
        if results.growth.get(picture.name):
            path = folder / f"{picture.name}.svg"
            path.write_text(draw(picture, results.growth[picture.name]))
            written.append(path)
    return written
