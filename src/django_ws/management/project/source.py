"""Python source that is changed at a few places, with all that stands around them left as it is."""

import ast
from dataclasses import dataclass
from typing import Final

__all__ = ["Change", "with_application", "with_installed_app", "with_setting"]

_DJANGO: Final = "get_asgi_application"
_OURS: Final = "get_websocket_application"
_APP: Final = "django_ws"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a source."""

    source: bytes
    done: str = ""
    """What was changed; empty where nothing was."""
    to_do: str = ""
    """What somebody who knows the file must change; empty where there is nothing left."""


# --- asgi.py ----------------------------------------------------------------------------------------


def with_application(source: bytes, /) -> Change:
    """Put our application where Django's own stands: ``application = get_asgi_application()``.

    Where anything else is made of Django's, it is left alone: what that is for, only its author knows.
    """
    tree = _parsed(source)
    if tree is not None and _uses(tree, _OURS):
        return Change(source)
    found = None if tree is None else _plain_application(tree)
    if found is None:
        return Change(
            source,
            to_do=f"make the application by `from django_ws import {_OURS}` and `{_OURS}()`; where other code needs "
            f"Django's own, {_OURS}(its_application) takes what is to serve HTTP",
        )
    imported, call = found
    changed = _replaced(
        source,
        [(imported, f"from django_ws import {_OURS}".encode()), (call, _OURS.encode())],
    )
    return Change(changed, done=f"{_DJANGO} -> {_OURS}")


def _plain_application(tree: ast.Module) -> tuple[ast.ImportFrom, ast.Name] | None:
    """Find the import and the name in the call, if the file has one of each and nothing else to do with them."""
    imports = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and node.module == "django.core.asgi"
        and [(name.name, name.asname) for name in node.names] == [(_DJANGO, None)]
    ]
    made = [
        node.value.func
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and [target.id for target in _targets(node) if isinstance(target, ast.Name)] == ["application"]
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == _DJANGO
        and not node.value.args
        and not node.value.keywords
    ]
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in {_DJANGO, "application"}]
    # The name in the call, and the name that is bound.
    if len(imports) == 1 and len(made) == 1 and len(uses) == len(("call", "target")):
        return imports[0], made[0]
    return None


def _uses(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name for node in ast.walk(tree)
    )


# --- settings ---------------------------------------------------------------------------------------


def with_installed_app(source: bytes, /) -> Change:
    """Put ``"django_ws"`` first into the list ``INSTALLED_APPS``, so that its ``runserver`` is the one that runs."""
    to_do = f'put "{_APP}" first into INSTALLED_APPS'
    tree = _parsed(source)
    bound = [] if tree is None else _bindings(tree, "INSTALLED_APPS")
    if len(bound) != 1 or not isinstance(bound[0].value, (ast.List, ast.Tuple)):
        return Change(source, to_do=to_do)
    apps = bound[0].value
    start = _offset(source, apps.lineno, apps.col_offset)
    if not apps.elts or source[start : start + 1] not in {b"[", b"("}:
        return Change(source, to_do=to_do)
    first = apps.elts[0]
    at = _offset(source, first.lineno, first.col_offset)
    quote = source[at : at + 1] if source[at : at + 1] in {b"'", b'"'} else b'"'
    entry = quote + _APP.encode() + quote + b","
    line_start = source.rfind(b"\n", 0, at) + 1
    indent = source[line_start:at]
    if indent.strip():
        return Change(source[:at] + entry + b" " + source[at:], done=f'"{_APP}" in INSTALLED_APPS')
    # In a line of its own, in front of a comment that may stand above the first one.
    here = source.find(b"\n", start) + 1
    return Change(source[:here] + indent + entry + _newline(source) + source[here:], done=f'"{_APP}" in INSTALLED_APPS')


def with_setting(source: bytes, name: str, value: str, /) -> Change:
    """Add a setting: behind ``WSGI_APPLICATION``, where that is one line of the file, or else at its end."""
    line = f'{name} = "{value}"'
    tree = _parsed(source)
    if tree is None:
        return Change(source, to_do=f"set {line}")
    beside = _bindings(tree, "WSGI_APPLICATION")
    newline = _newline(source)
    if len(beside) == 1 and beside[0] in tree.body:
        end = source.find(b"\n", _end(source, beside[0])) + 1 or len(source)
        quote = "'" if b"'" in source[:end].rpartition(b"=")[2] else '"'
        line = f"{name} = {quote}{value}{quote}"
        before = source[:end] if source[:end].endswith(b"\n") else source[:end] + newline
        return Change(before + line.encode() + newline + source[end:], done=name)
    before = source if source.endswith(b"\n") or not source else source + newline
    return Change(before + newline + line.encode() + newline, done=name)


# --- places in the source -----------------------------------------------------------------------------


def _parsed(source: bytes) -> ast.Module | None:
    """Parse it; ``None`` where it is no Python in UTF-8, whose offsets would not be ours."""
    try:
        return ast.parse(source.decode("utf-8"))
    except (SyntaxError, ValueError):
        return None


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _bindings(tree: ast.Module, name: str) -> list[ast.Assign | ast.AnnAssign | ast.AugAssign]:
    """Find every statement that binds a name, at any depth."""
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, (ast.Assign, ast.AnnAssign)) and any(_is_name(target, name) for target in _targets(node)))
        or (isinstance(node, ast.AugAssign) and _is_name(node.target, name))
    ]


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _replaced(source: bytes, parts: "list[tuple[ast.stmt | ast.expr, bytes]]") -> bytes:
    for node, text in sorted(parts, key=lambda part: part[0].lineno, reverse=True):
        source = source[: _offset(source, node.lineno, node.col_offset)] + text + source[_end(source, node) :]
    return source


def _end(source: bytes, node: ast.stmt | ast.expr) -> int:
    return _offset(source, node.end_lineno or node.lineno, node.end_col_offset or 0)


def _offset(source: bytes, line: int, column: int) -> int:
    """Give the place of a line, from 1, and a column in bytes, as ``ast`` counts them."""
    return sum(map(len, source.splitlines(keepends=True)[: line - 1])) + column


def _newline(source: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in source else b"\n"
