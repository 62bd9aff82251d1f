"""For machine readers: ``llms.txt``, a list of the pages, and ``reference.md``, all of the reference as Markdown.

Both are made from the pages themselves as the site is built (https://llmstxt.org/).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from docutils import nodes
from sphinx import addnodes
from sphinx.util import docname_join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

SKIPPED: Final = (
    addnodes.index,
    addnodes.toctree,
    nodes.comment,
    nodes.image,
    nodes.raw,
    nodes.substitution_definition,
    nodes.system_message,
    nodes.target,
)
MARKS: Final = {nodes.literal: "`", nodes.strong: "**", nodes.emphasis: "*", nodes.title_reference: "*"}


class Markdown:
    """Writes the tree of a page as Markdown.

    Args:
        titles: Of all pages, by name.
        level: Of the page's own heading.
    """

    def __init__(self, titles: "Mapping[str, nodes.title]", level: int = 1) -> None:
        self.titles = titles
        self.level = level

    def blocks(self, parent: nodes.Node, depth: int) -> "Iterator[str]":
        """Write each block of a node; ``depth`` sections are around it."""
        for node in parent.children:
            if isinstance(node, SKIPPED) or not isinstance(node, nodes.Element):
                continue
            if isinstance(node, nodes.title):
                yield f"{'#' * min(6, self.level + depth - 1)} {self.inline(node)}"
            elif isinstance(node, nodes.section):
                yield from self.blocks(node, depth + 1)
            elif isinstance(node, addnodes.desc):
                yield from self.entry(node, depth)
            elif isinstance(node, nodes.literal_block | nodes.doctest_block):
                yield f"```{node.get('language', 'python')}\n{node.astext()}\n```"
            elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
                yield "\n".join(self.item("- ", item, depth) for item in node.children)
            elif isinstance(node, nodes.table):
                yield self.table(node)
            elif isinstance(node, nodes.field_list):
                yield "\n\n".join(self.field(each, depth) for each in node.findall(nodes.field))
            elif isinstance(node, nodes.paragraph | nodes.rubric | nodes.term | addnodes.versionmodified):
                yield self.inline(node)
            else:
                yield from self.blocks(node, depth)

    def entry(self, node: addnodes.desc, depth: int) -> "Iterator[str]":
        """Write an entry: its signatures, and what is said of it."""
        for signature in node.findall(addnodes.desc_signature):
            if signature.parent is node:
                text = "".join(text_of(part) for part in signature.children if not isinstance(part, addnodes.only))
                module = signature.get("module")
                holder = signature.get("class")
                home = f" ({'.'.join(filter(None, (module, holder)))})" if module else ""
                yield f"{'#' * min(6, self.level + depth)} `{' '.join(text.split())}`{home}"
        for content in node.children:
            if isinstance(content, addnodes.desc_content):
                yield from self.blocks(content, depth + 1)

    def item(self, mark: str, item: nodes.Node, depth: int) -> str:
        """Write one item of a list."""
        inner = "\n".join(self.blocks(item, depth))
        return mark + inner.replace("\n", "\n" + " " * len(mark))

    def field(self, field: nodes.field, depth: int) -> str:
        """Write a field like Raises."""
        name, body = field.children[0], field.children[1]
        text = "\n".join(self.blocks(body, depth))
        return f"**{text_of(name)}**:{chr(10) * 2 if text.startswith('- ') else ' '}{text}"

    def table(self, table: nodes.table) -> str:
        """Write a table."""
        rows = [
            [" ".join(" ".join(self.blocks(cell, 0)).split()).replace("|", "\\|") for cell in row.children]
            for row in table.findall(nodes.row)
        ]
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def inline(self, parent: nodes.Node) -> str:
        """Write running text."""
        parts: list[str] = []
        for node in parent.children:
            if isinstance(node, nodes.Text):
                parts.append(" ".join(node.astext().split("\n")))
            elif isinstance(node, SKIPPED):
                continue
            elif (mark := MARKS.get(type(node))) is not None:
                parts.append(f"{mark}{node.astext()}{mark}")
            elif isinstance(node, addnodes.pending_xref_condition) and node.get("condition") == "*":
                continue
            elif isinstance(node, addnodes.pending_xref) and node["reftype"] == "doc" and not node["refexplicit"]:
                parts.append(self.titles[docname_join(node["refdoc"], node["reftarget"])].astext())
            elif isinstance(node, nodes.reference) and str(node.get("refuri", "")).startswith("http"):
                text = self.inline(node)
                uri = node["refuri"]
                parts.append(f"<{uri}>" if text == uri else f"[{text}]({uri})")
            else:
                parts.append(self.inline(node))
        return "".join(parts).strip() if isinstance(parent, nodes.paragraph) else "".join(parts)


def text_of(node: nodes.Node) -> str:
    """Give the text of a node, a name in it once: Sphinx keeps two forms of those that may become links."""
    copy = node.deepcopy()
    if isinstance(copy, nodes.Element):
        for condition in list(copy.findall(addnodes.pending_xref_condition)):
            if condition.get("condition") == "*":
                condition.parent.remove(condition)
    return copy.astext()


def pages_of(env: "BuildEnvironment", docname: str) -> "Iterator[str]":
    """Give a page and all beneath it, in the order of the lists of contents."""
    yield docname
    for child in env.toctree_includes.get(docname, ()):
        yield from pages_of(env, child)


def summary(tree: nodes.document) -> str:
    """Give the first sentence of a page."""
    for paragraph in tree.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section):
            continue
        text = " ".join(paragraph.astext().split())
        return text.partition(". ")[0].rstrip(".:") + "."
    return ""


def write(app: "Sphinx", error: Exception | None) -> None:
    """Handle ``build-finished``."""
    if error is not None or app.builder.name not in {"html", "dirhtml"}:
        return
    env, base, out = app.env, app.config.html_baseurl, Path(app.outdir)
    front = env.get_doctree("index")
    lines = ["# django-ws", "", f"> {summary(front)}", ""]
    lines += [f"The reference on one page, as Markdown: [reference.md]({base}reference.md)", ""]
    for toctree in front.findall(addnodes.toctree):
        lines += [f"## {toctree.get('caption') or 'Pages'}", ""]
        for _, entry in toctree["entries"]:
            for docname in pages_of(env, entry) if entry else ():
                title = env.titles[docname].astext()
                url = base + app.builder.get_target_uri(docname)
                lines.append(f"- [{title}]({url}): {summary(env.get_doctree(docname))}".removesuffix(": "))
        lines.append("")
    (out / "llms.txt").write_text("\n".join(lines), "utf-8")

    reference = [f"# django-ws {app.config.release}: reference", ""]
    for docname in list(pages_of(env, "reference/index"))[1:]:
        reference += [block + "\n" for block in Markdown(env.titles, level=2).blocks(env.get_doctree(docname), 0)]
    (out / "reference.md").write_text("\n".join(reference), "utf-8")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Connect it."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
