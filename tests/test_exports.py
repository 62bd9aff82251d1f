"""What the package says it has is what it has."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import django_ws

MODULES = ["django_ws", *(module.name for module in pkgutil.walk_packages(django_ws.__path__, "django_ws."))]
PUBLIC = [name for name in MODULES if not any(part.startswith("_") for part in name.split("."))]


def tree_of(module: ModuleType) -> ast.Module:
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text("utf-8"))


def defined(tree: ast.Module) -> set[str]:
    """Give the public names that a module makes itself, at its top level or under its ``if TYPE_CHECKING``."""
    names: set[str] = set()
    nodes: list[ast.stmt] = list(tree.body)
    for node in nodes:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.If(body=body, orelse=orelse):
                nodes += [*body, *orelse]
            case _:
                pass
    return {name for name in names if not name.startswith("_")}


def type_variables(module: ModuleType) -> set[str]:
    kinds = {"TypeVar", "ParamSpec"}
    return {name for name, value in vars(module).items() if type(value).__name__ in kinds}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_module_has_a_docstring(name: str) -> None:
    doc = importlib.import_module(name).__doc__
    assert doc is not None
    assert doc.splitlines()[0].strip().endswith((".", ":")), doc


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_complete_and_importable(name: str) -> None:
    module = importlib.import_module(name)
    exported: list[str] = module.__all__
    # As ruff sorts it (RUF022): constants, then classes, then the rest.
    assert exported == sorted(exported, key=lambda each: (0 if each.isupper() else 1 if each[0].isupper() else 2, each))
    assert len(set(exported)) == len(exported)
    for each in exported:
        assert hasattr(module, each), each
    own = defined(tree_of(module)) - type_variables(module) - {"logger", "access_logger"}
    if module.__name__ != "django_ws":
        assert own - set(exported) == set(), "public names that __all__ does not have"


@pytest.mark.parametrize("name", [name for name in PUBLIC if hasattr(importlib.import_module(name), "__path__")])
def test_a_package_gives_what_its_modules_define(name: str) -> None:
    """A name in a package's ``__all__`` is the same object in the module that it comes from."""
    package = importlib.import_module(name)
    for each in package.__all__:
        value = getattr(package, each)
        home = getattr(value, "__module__", None)
        if (inspect.isclass(value) or inspect.isfunction(value)) and home is not None:
            assert getattr(importlib.import_module(home), each) is value


# --- the façade -------------------------------------------------------------------------------------


def test_the_facade_agrees_with_itself() -> None:
    """The imports that type checkers see, the homes that the run time uses, and ``__all__``."""
    (checked,) = (
        node
        for node in tree_of(django_ws).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    imports = {
        (node.module, alias.name)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname is None
    }
    homes = {(home, name) for home, names in django_ws._HOMES.items() for name in names}
    assert imports == homes
    assert sorted(name for _, name in homes) == sorted(django_ws.__all__)
    assert len(checked.body) == len(django_ws._HOMES)


@pytest.mark.parametrize(("home", "names"), django_ws._HOMES.items())
def test_a_home_exports_what_the_facade_takes_from_it(home: str, names: tuple[str, ...]) -> None:
    module = importlib.import_module(home)
    assert set(names) <= set(module.__all__)
    for name in names:
        assert getattr(django_ws, name) is getattr(module, name)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(django_ws), "CloseCode", raising=False)
    first = django_ws.CloseCode
    assert vars(django_ws)["CloseCode"] is first


def test_star_gives_all() -> None:
    names: dict[str, object] = {}
    exec("from django_ws import *", names)
    assert set(names) - {"__builtins__"} == set(django_ws.__all__)


def test_dir_lists_what_has_not_been_imported_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(django_ws), "CloseCode", raising=False)
    listed = dir(django_ws)
    assert set(django_ws.__all__) <= set(listed)
    assert "__doc__" in listed
    assert listed == sorted(listed)


@pytest.mark.parametrize("name", ["WebsocketHandler", "_private", "__nothing__"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"^module 'django_ws' has no attribute '{name}'$"):
        getattr(django_ws, name)
    with pytest.raises(ImportError, match="cannot import name"):
        exec(f"from django_ws import {name}")
