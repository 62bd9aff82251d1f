"""Tables that are drawn from the code when the site is built, so that they cannot drift from it.

``.. transitions:: PEER_TRANSITIONS``, ``.. error-tree::``, ``.. close-codes::``.
"""

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from annotations import VALUES
from docutils import nodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import stringify_annotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sphinx.application import Sphinx


class _Table(SphinxDirective):
    """A table of cells in reStructuredText."""

    def table(self, heads: "Sequence[str]", rows: "Iterable[Sequence[str]]", *, stub: bool = False) -> list[nodes.Node]:
        lines = [".. list-table::", "   :header-rows: 1", *(["   :stub-columns: 1"] if stub else []), ""]
        for row in (heads, *rows):
            for number, cell in enumerate(row):
                lines.append(f"   {'*' if number == 0 else ' '} - {cell}")
        return self.parse_text_to_nodes("\n".join(lines))


class Transitions(_Table):
    """One of the tables of :mod:`django_ws.protocol.states`; an empty cell is illegal."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        from django_ws.protocol import states

        name = self.arguments[0]
        if name == "PEER_EFFECTS":
            states_ = list(states.ApplicationState)
            heads = ["event", *(f"in ``{state.name}``" for state in states_)]
            rows = [
                [f":class:`{event.__name__}`", *(self.after(row.get(state)) for state in states_)]
                for event, row in states.PEER_EFFECTS.items()
            ]
            return self.table(heads, rows, stub=True)
        table = {"PEER_TRANSITIONS": states.PEER_TRANSITIONS, "APPLICATION_TRANSITIONS": states.APPLICATION_TRANSITIONS}
        rows_of = table[name]
        events = list(dict.fromkeys(event for row in rows_of.values() for event in row))
        return self.table(
            ["state", *(f":class:`{event.__name__}`" for event in events)],
            [
                [f"``{state.name}``", *(self.after(row.get(event)) for event in events)]
                for state, row in rows_of.items()
            ],
            stub=True,
        )

    @staticmethod
    def after(state: object) -> str:
        """Write the state after; nothing where there is none."""
        return "" if state is None else f"``{getattr(state, 'name', state)}``"


class ErrorTree(SphinxDirective):
    """The tree of errors, each with the first line of what it says of itself."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        from django_ws.exceptions import DjangoWSError

        return self.parse_text_to_nodes("\n".join(self.lines(DjangoWSError, "")))

    def lines(self, error: type[BaseException], indent: str) -> list[str]:
        """Write an error and those beneath it as a list."""
        others = [base.__name__ for base in error.__bases__ if base.__module__ == "builtins" and base is not Exception]
        also = f" (also a {' and '.join(f':exc:`{name}`' for name in others)})" if others else ""
        first = (error.__doc__ or "").partition("\n")[0]
        lines = [f"{indent}* :exc:`~{error.__module__}.{error.__qualname__}`{also}: {first}", ""]
        for child in error.__subclasses__():
            if child.__module__.startswith("django_ws.") and not child.__name__.startswith("_"):
                lines += self.lines(child, indent + "  ")
        return lines


class CloseCodes(_Table):
    """The registry of close codes."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        from django_ws.close_codes import CloseCode, is_sendable

        docs = ModuleAnalyzer.for_module("django_ws.close_codes").find_attr_docs()
        return self.table(
            ["code", "name", "meaning", "a server may send it"],
            [
                [
                    f"{code.value}",
                    f":attr:`~django_ws.CloseCode.{code.name}`",
                    " ".join(docs["CloseCode", code.name]).strip(),
                    "yes" if is_sendable(code) else "no",
                ]
                for code in CloseCode
            ],
        )


class SettingsTable(_Table):
    """The settings of the page that it stands on, in their order."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        rows = [
            [f":setting:`{name}`", f"``{entry['type']}``", entry["default"], entry.get("unit", "")]
            for name, entry in read_settings(Path(self.env.doc2path(self.env.docname)))
        ]
        return self.table(["name", "type", "default", "unit"], rows)


def read_settings(page: Path) -> list[tuple[str, dict[str, str]]]:
    """Read the entries of a page: each setting with its fields."""
    _, *entries = page.read_text("utf-8").split("\n.. setting:: ")
    fields = re.compile(r"^   :(\w+): (.*)$", re.MULTILINE)
    return [(entry.partition("\n")[0], dict(fields.findall(entry))) for entry in entries]


class Alias(SphinxDirective):
    """An entry for a type alias: what it stands for, and what its module says of it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write it."""
        public = self.arguments[0]
        home, name, value = VALUES[public]
        analyzer = ModuleAnalyzer.for_module(home)
        analyzer.analyze()
        value = getattr(value, "__value__", value)
        meaning = value if isinstance(value, str) else stringify_annotation(value, "smart")
        meaning = re.sub(r"[\w.]*ForwardRef\('([^']*)'.*?\)", r"\1", meaning)
        # What has no name in public is written out.
        private = {each: getattr(importlib.import_module(home), each) for each in re.findall(r"\b_\w+", meaning)}
        for each, meant in private.items():
            meaning = meaning.replace(each, stringify_annotation(meant, "smart"))
        module, _, last = public.rpartition(".")
        lines = [f".. py:type:: {last}", f"   :module: {module}", f"   :canonical: {meaning}", ""]
        lines += [f"   {line}".rstrip() for line in analyzer.attr_docs["", name]]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("transitions", Transitions)
    app.add_directive("error-tree", ErrorTree)
    app.add_directive("close-codes", CloseCodes)
    app.add_directive("alias", Alias)
    app.add_directive("settings-table", SettingsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
