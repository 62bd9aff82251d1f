"""The way back from a page of source to the entry in the reference.

``viewcode`` takes one name of a module for all that stands in it. Ours is documented by the name that it is imported
by: ``django_ws.get_websocket_application`` stands in ``django_ws.application``.
"""

import re
from typing import TYPE_CHECKING, Any, Final

from public_names import entry_of

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

_FOLDER: Final = "_modules/"
_BACK: Final = re.compile(
    r'(?P<before><div class="viewcode-block" id="(?P<name>[^"]+)">\s*<a class="viewcode-back" href=")[^"]*(?=")'
)


def on_page(
    app: "Sphinx", pagename: str, _template: str, context: dict[str, Any], _tree: "nodes.document | None"
) -> None:
    """Handle ``html-page-context``."""
    if not pagename.startswith(_FOLDER) or not isinstance(context.get("body"), str):
        return
    module = pagename.removeprefix(_FOLDER).replace("/", ".")
    entries = app.env.domains.python_domain.objects

    def back(found: re.Match[str]) -> str:
        name = entry_of(f"{module}.{found['name']}", entries)
        if name is None:
            return found[0]
        entry = entries[name]
        return f"{found['before']}{app.builder.get_relative_uri(pagename, entry.docname)}#{entry.node_id}"

    context["body"] = _BACK.sub(back, context["body"])


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it."""
    app.connect("html-page-context", on_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
