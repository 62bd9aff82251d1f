"""The reference's entries say it all: what is raised, what a number counts, where a rule comes from."""

import ast
import builtins
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import pytest
from django.conf import global_settings

from django_ws.conf import NAMES
from django_ws.handler.state import SocketState
from docs.test_reference import public_names, resolve

UNRAISED: Final = {
    "django_ws.handler.websocket.WebSocket.__anext__: StopAsyncIteration": "how Python ends an «async for»",
}
"""What is raised and is no error of the caller's, and why."""

UNITS: Final = {
    r"timeout|seconds|interval|grace|lease|patience|duration|elapsed": r"\bseconds?\b",
    r"size|bytes|payload|length": r"\bbytes\b|\bcharacters\b",
    r"messages|burst": r"\bmessages\b",
    r"events|pending": r"\bevents\b",
}
"""What a number is called, and the unit that its entry must name."""

SOURCED: Final = (
    "django_ws.close_codes",
    "django_ws.middleware",
    "django_ws.protocol",
    "django_ws.protocol.states",
    "django_ws.routing",
)
"""The modules that do what others have laid down."""

SOURCE: Final = re.compile(
    r"RFC \d+ section \d"
    r"|\bIANA\b"
    r"|ASGI \w+\.rst|ASGI\s+specification|\b(?:www|main|extensions)\.rst"
    r"|docs\.djangoproject\.com/en/stable/\w+"
)
"""A section of an RFC or of the ASGI specification, a registry, a page of Django's documentation."""

SPECIAL: Final = {"__init__", "__call__", "__enter__", "__aenter__", "__aexit__", "__anext__", "__post_init__"}
"""The methods that an entry stands for although their names are not public."""


class Entry(NamedTuple):
    """A function or method of the reference."""

    name: str
    # It may have any parameters.
    function: Callable[..., Any]
    doc: str
    """What the reference shows for it: of a class's own methods, the class's docstring too."""


class Number(NamedTuple):
    """A parameter or an attribute that is a number."""

    name: str
    doc: str


def is_public(name: str) -> bool:
    return name in SPECIAL or not name.startswith(("_", "test_"))


def classes() -> list[type]:
    """Give the public classes, and those of ours that they inherit from."""
    found: dict[type, None] = {}
    for name in public_names():
        value = resolve(name)
        for base in value.__mro__ if isinstance(value, type) else ():
            if base.__module__.startswith("django_ws"):
                found[base] = None
    return list(found)


def entries() -> Iterator[Entry]:
    """Give every function and method that is written in a file of ours."""
    for name in public_names():
        value = resolve(name)
        if inspect.isroutine(value) and value.__module__.startswith("django_ws"):
            yield Entry(name, value, inspect.getdoc(value) or "")
    for cls in classes():
        for name, value in vars(cls).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            function = inspect.unwrap(function) if callable(function) else function
            # A Protocol and a dataclass are given an __init__ by Python.
            if not inspect.isfunction(function) or not is_public(name) or not is_ours(function):
                continue
            doc = inspect.cleandoc(function.__doc__ or "")
            if name in SPECIAL:
                doc += "\n\n" + inspect.cleandoc(cls.__doc__ or "")
            yield Entry(f"{cls.__module__}.{cls.__qualname__}.{name}", function, doc)


# It may have any parameters.
def is_ours(function: Callable[..., Any]) -> bool:
    return "django_ws" in function.__code__.co_filename


# --- errors -------------------------------------------------------------------------------------


def exceptions_in(node: ast.expr | None, names: dict[str, object]) -> list[type[BaseException]]:
    """Give the classes that an expression names: those of an «except», or the one of a «raise»."""
    if isinstance(node, ast.Tuple):
        return [one for element in node.elts for one in exceptions_in(element, names)]
    node = node.func if isinstance(node, ast.Call) else node
    value = names.get(node.id) if isinstance(node, ast.Name) else None
    return [value] if isinstance(value, type) and issubclass(value, BaseException) else []


def raised(node: ast.AST, names: dict[str, object], caught: tuple[type, ...] = ()) -> Iterator[type[BaseException]]:
    """Give what the code below ``node`` raises by the name of a class, and does not catch."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return  # runs at another time
    if isinstance(node, ast.Raise):
        yield from (error for error in exceptions_in(node.exc, names) if not issubclass(error, caught))
    inside = caught
    if isinstance(node, ast.Try):
        inside = (*caught, *[error for handler in node.handlers for error in exceptions_in(handler.type, names)])
    for field, value in ast.iter_fields(node):
        bound = inside if field == "body" else caught
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from raised(child, names, bound)


def raised_by(function: Callable[..., object]) -> set[type[BaseException]]:
    """Give what a function raises in its own body."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    names = vars(builtins) | inspect.unwrap(function).__globals__
    return {error for statement in definition.body for error in raised(statement, names)}


def told(doc: str) -> set[str]:
    """Give the names under «Raises:» of a docstring, or of several."""
    sections = re.findall(r"^Raises:\n((?:[ ]+.*\n?|\n(?=[ ]))+)", doc, re.MULTILINE)
    lines = [line for section in sections for line in section.splitlines()]
    heads = [line.strip().partition(":")[0] for line in lines if re.match(r" {4}\S", line)]
    return {name.strip() for head in heads for name in head.split(",")}


def untold() -> set[str]:
    """Give what is raised and not told, by itself or by a base of it."""
    return {
        f"{entry.name}: {error.__name__}"
        for entry in entries()
        for error in raised_by(entry.function)
        if not {base.__name__ for base in error.__mro__} & told(entry.doc)
    }


def test_what_a_function_raises_stands_in_its_entry() -> None:
    assert untold() == set(UNRAISED)


def test_the_rule_sees_what_is_raised_and_what_is_caught() -> None:
    def example(number: int) -> None:
        try:
            if number:
                raise KeyError(number)
            raise OSError
        except LookupError as error:
            raise ValueError from error

    assert raised_by(example) == {OSError, ValueError}
    assert told(
        "A\n\nRaises:\n    KeyError, OSError: It is so: really,\n        very much so.\n    ValueError: No.\n\nB"
    ) == {
        "KeyError",
        "OSError",
        "ValueError",
    }


# --- units --------------------------------------------------------------------------------------


def unit_of(name: str) -> str | None:
    """Give the pattern of the unit that a number of this name must have."""
    return next((unit for part, unit in UNITS.items() if re.search(rf"(?:^|_)(?:{part})(?:$|_)", name)), None)


def is_number(annotation: str) -> bool:
    return re.search(r"\b(?:int|float)\b", annotation) is not None


def argument_of(doc: str, name: str) -> str:
    """Give what «Args:» says of a parameter; the whole docstring where it does not."""
    found = re.search(rf"^    {name}: .*(?:\n {{5,}}.*)*", doc, re.MULTILINE)
    return found[0] if found else doc


def attributes(cls: type) -> Iterator[tuple[str, str, str]]:
    """Give the attributes that a class declares or sets: name, annotation, docstring."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        for statement, following in pairwise([*node.body, ast.Pass()]):
            if not isinstance(statement, ast.AnnAssign):
                continue
            name = ast.unparse(statement.target)
            if name.startswith("self.") or isinstance(node, ast.ClassDef):
                doc = following.value if isinstance(following, ast.Expr) else None
                text = str(doc.value) if isinstance(doc, ast.Constant) else ""
                yield name.removeprefix("self."), ast.unparse(statement.annotation), text


def numbers() -> Iterator[Number]:
    """Give every public number of the reference that is called as if it had a unit."""
    for entry in entries():
        for name, parameter in inspect.signature(entry.function).parameters.items():
            if unit_of(name) and is_number(str(parameter.annotation)):
                yield Number(f"{entry.name}({name})", argument_of(entry.doc, name))
        owner, _, name = entry.name.rpartition(".")
        returned = str(entry.function.__annotations__.get("return"))
        if isinstance(vars(resolve(owner)).get(name), property) and unit_of(name) and is_number(returned):
            yield Number(entry.name, entry.doc)
    for cls in classes():
        for name, annotation, doc in attributes(cls):
            # The entry of an attribute that stands for a setting is that setting, which test_reference holds to a unit.
            is_setting = issubclass(cls, SocketState) and f"WS_{name.upper()}" in NAMES
            if not name.startswith("_") and unit_of(name) and is_number(annotation) and not is_setting:
                yield Number(f"{cls.__module__}.{cls.__qualname__}.{name}", doc or inspect.getdoc(cls) or "")


def test_a_number_has_a_unit() -> None:
    found = list(numbers())
    assert found
    bare = [number.name for number in found if not has_unit(number)]
    assert bare == []


def has_unit(number: Number) -> bool:
    name = re.split(r"[.(]", number.name.rstrip(")"))[-1]
    return re.search(unit_of(name) or "", number.doc, re.IGNORECASE) is not None


@pytest.mark.parametrize("name", ["max_size", "timeout", "ping_interval", "outbox_bytes", "max_pending"])
def test_the_rule_knows_a_unit(name: str) -> None:
    assert unit_of(name)
    assert not has_unit(Number(f"django_ws.X.{name}", "How much it may be."))


# --- sources ------------------------------------------------------------------------------------


def has_source(doc: str) -> bool:
    """Say whether a docstring names a source: a section, a page, or one of Django's own settings."""
    settings = re.findall(r"``([A-Z][A-Z_]+)``", doc)
    return SOURCE.search(doc) is not None or any(hasattr(global_settings, name) for name in settings)


def unsourced() -> set[str]:
    """Give what names no source, neither itself, nor by a method, nor in the module that it is written in."""
    found = set()
    for name in public_names():
        if name.rpartition(".")[0] in SOURCED:
            value = resolve(name)
            home = getattr(value, "__module__", None) or name.rpartition(".")[0]
            # An alias and a constant have no docstring at run time; their module's stands for them.
            home = home if home.startswith("django_ws") else name.rpartition(".")[0]
            own = [inspect.getdoc(value)] if isinstance(value, type) or inspect.isroutine(value) else []
            own += [entry.doc for entry in entries() if entry.name.startswith(f"{home}.{name.rpartition('.')[2]}.")]
            if not has_source(f"{own}\n{importlib.import_module(home).__doc__}"):
                found.add(name)
    return found


def test_what_others_have_laid_down_names_its_source() -> None:
    assert unsourced() == set()


def test_a_source_is_a_place_to_look_it_up() -> None:
    assert has_source("A close code (RFC 6455 section 7.4).")
    assert has_source("Hosts by ``ALLOWED_HOSTS``.")
    assert not has_source("As in Django, by ``WS_DENIAL`` (RFC 6455).")
