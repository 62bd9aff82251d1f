"""Links to one entry for each thing, by whatever name it is called.

``django_ws.WebSocket``, ``django_ws.handler.WebSocket`` and ``django_ws.handler.websocket.WebSocket`` are one class
with one entry in the reference; signatures name it by the last of these, prose by any.
"""

import importlib
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGE = "django_ws"


def find(path: str) -> tuple[bool, object]:
    """Give what a dotted path means, and whether it means anything."""
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for attribute in parts[cut:]:
            if not hasattr(value, attribute):
                return False, None
            value = getattr(value, attribute)
        return True, value
    return False, None


def entry_of(target: str, entries: "dict[str, Any]") -> str | None:
    """Give the name under which the thing called ``target`` stands in the reference."""
    if target in entries:
        return target
    last = target.rpartition(".")[2]
    there, value = find(target)
    if not there:
        return None
    for name in entries:
        if name.rpartition(".")[2] == last and name.startswith(PACKAGE):
            known, other = find(name)
            if known and (other is value or (callable(value) and other == value)):
                return name
    # An attribute that a class has from a base: the entry is at whoever it is documented with.
    owner, _, attribute = target.rpartition(".")
    there, owner_value = find(owner)
    if there and isinstance(owner_value, type):
        for name in entries:
            holder, _, other_attribute = name.rpartition(".")
            if other_attribute == attribute:
                known, holder_value = find(holder)
                if (
                    known
                    and isinstance(holder_value, type)
                    and (issubclass(owner_value, holder_value) or issubclass(holder_value, owner_value))
                ):
                    return name
    return None


def resolve(
    app: "Sphinx", env: "BuildEnvironment", node: "pending_xref", content: nodes.TextElement
) -> nodes.reference | None:
    """Handle ``missing-reference``."""
    if node.get("refdomain") != "py":
        return None
    target = str(node.get("reftarget", ""))
    entries = env.domains.python_domain.objects
    scope, holder = node.get("py:module"), node.get("py:class")
    tries = [target] if target.startswith(PACKAGE) else []
    tries += [".".join(filter(None, parts)) for parts in ((scope, holder, target), (scope, target), (holder, target))]
    known, value = find(".".join(filter(None, (scope, holder))))
    if holder and known and isinstance(value, type):
        # A docstring calls its neighbours by their bare names.
        tries += [f"{base.__module__}.{target}" for base in value.__mro__]
    for each in tries:
        if each.startswith(PACKAGE) and (name := entry_of(each, entries)) is not None:
            entry = entries[name]
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, name)
    return None


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
