"""What the theme's pages lack for those who hear them: mended in what is written, and held by ``tests/docs``."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

# A long signature is one parameter a line. Sphinx writes that as a list of definitions without terms.
_PARAMETERS = re.compile(r"\n*<dl>\s*((?:<dd>(?:(?!</?dd>).)*</dd>\s*)+)</dl>\s*", re.DOTALL)


def mend(html: str) -> str:
    """Mend the body of a page."""

    def lines(found: re.Match[str]) -> str:
        inner = found[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
        return re.sub(r"</span>\s+(?=<span class=\"sig-line\">|$)", "</span>", inner)

    return _PARAMETERS.sub(lines, html).replace('class="caption" role="heading"', 'class="caption"')


def on_page(
    _app: "Sphinx", _name: str, _template: str, context: dict[str, Any], _tree: "nodes.document | None"
) -> None:
    """Handle ``html-page-context``, after the theme has."""
    if isinstance(context.get("body"), str):
        context["body"] = mend(context["body"])
    tree = context.get("furo_navigation_tree")
    if isinstance(tree, str):
        # A heading needs a level: that below the page's own.
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", on_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
