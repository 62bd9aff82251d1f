"""Annotations as they are written: imports the package so that autodoc sees ``Data``, and not ``str | bytes``.

An alias is gone as soon as Python evaluates an annotation, and a name under ``TYPE_CHECKING`` is never there. So the
package is compiled as if each module had ``from __future__ import annotations``, and once all of it is imported, each
module is given what type checkers see in it.
"""

import __future__

import ast
import importlib
import pkgutil
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PACKAGE = "django_ws"

# An alias may be of anything.
VALUES: dict[str, tuple[str, str, Any]] = {}
"""By its name in the reference: the module that makes an alias, its name there, and what it stands for."""


class _Loader(SourceFileLoader):
    # importlib: the signature of the base class.
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:
        flag = __future__.annotations.compiler_flag
        code: CodeType = compile(data, path, "exec", flags=flag, dont_inherit=True, optimize=_optimize)
        return code

    def get_code(self, _fullname: str) -> CodeType:
        # Never the cached bytecode, which was compiled without the flag.
        return self.source_to_code(self.get_data(self.path), self.path)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: "Sequence[str] | None", target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def import_all(skip: frozenset[str], aliases: "Mapping[str, str]", before: "Callable[[], None]") -> None:
    """Import every module of the package but those that begin with one of ``skip``, and complete their names.

    Args:
        skip: What cannot be imported here.
        aliases: Where each alias is made, and where it stands in the reference.
        before: Called when imports are ours and nothing has been imported.
    """
    sys.meta_path.insert(0, _Finder())
    before()
    package = importlib.import_module(PACKAGE)
    found = (module.name for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."))
    names = [PACKAGE, *(name for name in found if not any(name.startswith(prefix) for prefix in skip))]
    modules = [importlib.import_module(name) for name in names]
    for module in modules:
        _complete(module)
    for home, public in aliases.items():
        module_name, _, name = home.rpartition(".")
        value = vars(importlib.import_module(module_name))[name]
        VALUES[public] = (module_name, name, value)
        # A class by the alias's name: Sphinx writes a class as its name, wherever in an annotation it stands.
        stand_in = type(name, (), {"__module__": public.rpartition(".")[0]})
        for module in modules:
            if vars(module).get(name) is value:
                setattr(module, name, stand_in)


def _complete(module: ModuleType) -> None:
    """Run the imports that stand under ``if TYPE_CHECKING``."""
    if module.__file__ is None:
        return
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123 - read as it is
        tree = ast.parse(file.read())
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    _run(statement, module)


def _run(statement: ast.stmt, module: ModuleType) -> None:
    given = dict(vars(module))
    try:
        exec(compile(ast.Module([statement], []), str(module.__file__), "exec"), given)  # noqa: S102 - our own source
    except ImportError:
        return  # a name of the type stubs alone, like _typeshed's
    for name, value in given.items():
        vars(module).setdefault(name, value)
