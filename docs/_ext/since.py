"""«New in 2.0» at each entry of the reference, by the list ``reference/since.txt``.

An entry that stands inside of another one, a method inside of its class, says it only where it came later. A name
without a line is a warning, and so an error of ``make docs``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger: Final = logging.getLogger(__name__)

LIST: Final = Path(__file__).resolve().parents[1] / "reference" / "since.txt"
FIRST: Final = "1.0"
DOMAINS: Final = frozenset({"py", "std"})


def read(path: Path = LIST) -> dict[str, str]:
    """Give the version of each name."""
    found: dict[str, str] = {}
    version = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            version = line.strip("[]")
        elif line and not line.startswith("#"):
            assert version, line
            assert line not in found, f"{line} has two lines"
            found[line] = version
    return found


def version_of(name: str, known: "dict[str, str]") -> str | None:
    """Give the version of a name: its own, or that of what holds it."""
    while name:
        if name in known:
            return known[name]
        name = name.rpartition(".")[0]
    return None


def name_of(signature: addnodes.desc_signature) -> str:
    """Give the name that an entry has in the inventory."""
    if "fullname" not in signature:
        return signature.astext()
    return ".".join(filter(None, (signature.get("module"), signature["fullname"])))


def mark(app: "Sphinx", tree: nodes.document) -> None:
    """Handle ``doctree-read``."""
    app.env.note_dependency(str(LIST))
    known = read()
    for entry in list(tree.findall(addnodes.desc)):
        signature = entry.next_node(addnodes.desc_signature)
        if entry.get("domain") not in DOMAINS or signature is None:
            continue
        version = version_of(name_of(signature), known)
        if version is None:
            logger.warning("%s has no line in %s", name_of(signature), LIST.name, location=signature)
            continue
        holder = _holder(entry)
        if holder is not None and version_of(name_of(holder), known) == version:
            continue
        content = entry.next_node(addnodes.desc_content)
        if content is not None:
            words = f"Since {version}" if version == FIRST else f"New in {version}"
            place = next((i for i, child in enumerate(content) if isinstance(child, addnodes.desc)), len(content))
            content.insert(place, nodes.paragraph("", words, classes=["since"]))


def _holder(entry: nodes.Node) -> addnodes.desc_signature | None:
    """Give the signature of the entry that this one stands in."""
    parent = entry.parent
    while parent is not None and not isinstance(parent, addnodes.desc):
        parent = parent.parent
    return None if parent is None else parent.next_node(addnodes.desc_signature)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it, before the builders see the tree."""
    app.connect("doctree-read", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
