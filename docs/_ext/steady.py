"""Nothing of a page moves while the rest of it comes: held by ``tests/docs/test_accessibility.py``.

The columns of a table are as wide as its rows need. A browser that shows the first rows of a page which arrives in
pieces has to move them when the others have come, so one that can waits with the first picture for the last table.

Source: https://html.spec.whatwg.org/multipage/links.html#link-type-expect.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

TABLE: Final = "</table>"
MARK: Final = "after-the-last-table"


def on_page(
    _app: "Sphinx", _name: str, _template: str, context: dict[str, Any], _tree: "nodes.document | None"
) -> None:
    """Handle ``html-page-context``."""
    before, table, after = (context.get("body") or "").rpartition(TABLE)
    if table:
        context["body"] = f'{before}{table}<span id="{MARK}"></span>{after}'
        context["metatags"] += f'<link rel="expect" href="#{MARK}" blocking="render">\n'


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", on_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
