"""SVG by hand: for the pictures that are drawn from the code when the site is built.

No font is asked how wide a text is, so the build is the same everywhere; a width is reckoned generously instead.
Colours are variables of the theme (``_static/drawing.css``), so a picture in a page follows it from light to dark.
"""

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FONT: Final = 13
"""Units; a picture is at most about 380 wide, so that this is legible on a telephone."""
MONO: Final = 7.9
"""Units that a character of the code font takes."""
TEXT: Final = 7.1
"""Units that a character of the text font takes, on average."""


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Box") -> bool:
        """Say whether they share more than an edge."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def text(x: float, y: float, words: str, classes: str = "", anchor: str = "middle") -> str:
    """Write one line; ``y`` is its middle."""
    kind = f' class="{classes}"' if classes else ""
    return f'<text x="{x:g}" y="{y + 4.5:g}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def rectangle(box: Box, classes: str, radius: float = 4, inside: str = "") -> str:
    """Draw a box."""
    shape = f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius:g}"'
    return f'{shape} class="{classes}">{inside}</rect>' if inside else f'{shape} class="{classes}"/>'


def tip(x: float, y: float, dx: float, dy: float) -> str:
    """Draw the head of an arrow that arrives at a point in a direction."""
    length = (dx * dx + dy * dy) ** 0.5 or 1
    dx, dy = dx / length, dy / length
    back_x, back_y = x - 8 * dx, y - 8 * dy
    left = f"{back_x - 4 * dy:.4g},{back_y + 4 * dx:.4g}"
    right = f"{back_x + 4 * dy:.4g},{back_y - 4 * dx:.4g}"
    return f'<polygon points="{x:.4g},{y:.4g} {left} {right}" class="tip"/>'


def svg(size: tuple[float, float], parts: list[str], title: str, description: str, classes: str = "") -> str:
    """Put a picture together; the title names it and the description tells it to those who cannot see it."""
    kind = f' class="{classes}"' if classes else ""
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}"{kind}'
        f' style="max-width: {width:g}px">\n<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def figure(name: str, *pictures: str) -> list[nodes.Node]:
    """Put pictures into a page: nothing where the page is not HTML."""
    html = f'<figure class="drawing" id="drawing-{name}">\n' + "\n".join(pictures) + "\n</figure>"
    return [nodes.raw("", html, format="html")]


def setup(app: "Sphinx") -> dict[str, bool]:
    """Add the colours."""
    app.add_css_file("drawing.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
