"""``{layers}``: the picture of the layers, drawn from the contracts that the imports are held to.

The contracts stand in ``pyproject.toml`` and are kept by import-linter at each ``make lint``, so what the picture shows
is what is enforced, and nothing else.
"""

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from docutils import nodes
from drawing import MONO, Box, figure, rectangle, svg, text, tip
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = ROOT / "pyproject.toml"
PACKAGE: Final = ROOT / "src" / "django_ws"

LAYERS: Final = frozenset({"protocol", "routing", "middleware", "handler", "topics"})
"""The five that the design speaks of; the rest joins, guards or serves them."""

_ROLE: Final = re.compile(r":[a-z:]+:`~?")
_CHIP, _ROW, _GAP, _PAD, _LEFT = 26, 8, 8, 8, 30


class Contracts(NamedTuple):
    """What ``pyproject.toml`` says about imports."""

    rows: list[list[str]]
    """From the top: each may import what is below its row, and nothing beside it."""
    forbidden: dict[str, list[str]]
    """Part -> what it may not import besides."""
    outside: list[str]
    """Parts that no row holds."""


def contracts(project: Path = PROJECT) -> Contracts:
    """Read them."""
    found: list[dict[str, Any]] = tomllib.loads(project.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract for contract in found if contract["type"] == "layers")
    return Contracts(
        [[part.strip() for part in row.split("|")] for row in layers["layers"]],
        {
            module.partition(".")[2]: list(contract["forbidden_modules"])
            for contract in found
            if contract["type"] == "forbidden"
            for module in contract["source_modules"]
        },
        list(layers.get("exhaustive_ignores", ())),
    )


def purpose(part: str, package: Path = PACKAGE) -> str:
    """Give the first line of what a part says of itself."""
    path = package / part / "__init__.py"
    if not path.exists():
        path = package / f"{part}.py"
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def place(rows: "Sequence[Sequence[str]]", width: float) -> tuple[list[Box], dict[str, Box], float]:
    """Lay the rows out, wrapping what does not fit; give the bands, the chips, and the height."""
    bands: list[Box] = []
    chips: dict[str, Box] = {}
    y = 2.0
    for row in rows:
        top, y = y, y + _PAD
        line: list[str] = []
        lines = [line]
        for part in row:
            if line and sum(_wide(each) + _GAP for each in [*line, part]) > width - _LEFT - 2 * _PAD:
                line = []
                lines.append(line)
            line.append(part)
        for names in lines:
            x = _LEFT + (width - _LEFT - sum(map(_wide, names)) - _GAP * (len(names) - 1)) / 2
            for part in names:
                chips[part] = Box(x, y, _wide(part), _CHIP)
                x += _wide(part) + _GAP
            y += _CHIP + _GAP
        y += _PAD - _GAP
        bands.append(Box(_LEFT, top, width - _LEFT - 2, y - top))
        y += _ROW
    return bands, chips, y - _ROW + 2


def _wide(part: str) -> float:
    return len(part) * MONO + 16


def draw(found: Contracts, width: float, classes: str = "") -> str:
    """Draw the picture at a width."""
    bands, chips, height = place(found.rows, width)
    parts = [f'<path d="M12 4 V{height - 10:g}" class="line"/>', tip(12, height - 4, 0, 1)]
    parts += [rectangle(band, "faint", 6) for band in bands]
    for part, box in chips.items():
        kind = "box main" if part in LAYERS else "box"
        inside = f"<title>{part}: {_plain(purpose(part))}</title>"
        parts.append(rectangle(box, kind, inside=inside))
        strong = "name strong" if part in LAYERS else "name"
        parts.append(text(box.x + box.width / 2, box.y + box.height / 2, part, strong))
    description = "From the top, each row may import only what is in rows below it: "
    description += "; ".join(", ".join(row) for row in found.rows)
    return svg((width, height), parts, "The layers of django-ws, as their imports are held to", description, classes)


def _plain(words: str) -> str:
    return words.replace("``", "").replace("&", "&amp;").replace("<", "&lt;")


class Layers(SphinxDirective):
    """The picture, at two widths."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        self.env.note_dependency(str(PROJECT))
        found = contracts()
        return figure("layers", draw(found, 660, "wide-only"), draw(found, 360, "narrow-only"))


class Parts(SphinxDirective):
    """A table of the parts, row by row, each with what it says of itself; for a page in Markdown."""

    def run(self) -> list[nodes.Node]:
        """Write it."""
        found = contracts()
        lines = ["| part | what it is |", "| --- | --- |"]
        for part in (part for row in found.rows for part in row):
            never = ", ".join(f"`{name}`" for name in found.forbidden.get(part, ()))
            also = f" Imports none of {never}." if never else ""
            told = _ROLE.sub("`", purpose(part)).replace("``", "`")
            lines.append(f"| `{part}` | {told}{also} |")
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("layers", Layers)
    app.add_directive("parts", Parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
