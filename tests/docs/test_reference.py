"""The reference has an entry for every public name, setting, check and command, and none for what is not there."""

import importlib
import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

import django_ws
from django_ws import conf
from django_ws.checks import HINTS
from django_ws.handler.options import Options
from docs.site import DOCS, ROOT, Site

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("site")]

PUBLIC = [
    "django_ws",
    "django_ws.application",
    "django_ws.apps",
    "django_ws.authorization",
    "django_ws.close_codes",
    "django_ws.codecs",
    "django_ws.codecs.msgspec",
    "django_ws.codecs.pydantic",
    "django_ws.conf",
    "django_ws.exceptions",
    "django_ws.guards",
    "django_ws.handler",
    "django_ws.interfaces",
    "django_ws.limits",
    "django_ws.logs",
    "django_ws.middleware",
    "django_ws.protocol",
    "django_ws.protocol.states",
    "django_ws.refusals",
    "django_ws.reverse",
    "django_ws.routing",
    "django_ws.signals",
    "django_ws.testing",
    "django_ws.testing.brokers",
    "django_ws.topics",
    "django_ws.topics.engines.memory",
    "django_ws.topics.engines.nats",
    "django_ws.topics.engines.postgres",
    "django_ws.topics.engines.valkey",
    "django_ws.urls",
    "django_ws.users",
]
"""The modules that a project imports from."""

INTERNAL = {
    "admission": "a part of the application",
    "aliases": "django_ws.interfaces gives them",
    "checks": "has a page by id",
    "denials": "a part of the application",
    "endings": "a part of the application",
    "handshake": "a part of the application",
    "handshake_timeout": "a part of the application",
    "management": "has a page by command",
    "standing": "ask_again() alone is for others",
    "templatetags": "ws_url alone is for others",
}
"""The rooms that no project imports from, and why."""

HIDDEN = {"django_ws.topics.engines.memory.MemoryLink"}
"""What only other modules of ours import."""


def resolve(name: str) -> object:
    """Give what a dotted name means."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise LookupError(name)


def public_names() -> list[str]:
    """Give every name that the public modules export."""
    names = []
    for module_name in PUBLIC:
        names += [f"{module_name}.{name}" for name in importlib.import_module(module_name).__all__]
    return [name for name in names if name not in HIDDEN]


def test_every_room_is_public_or_says_why_not() -> None:
    rooms = {path.stem for path in (ROOT / "src" / "django_ws").iterdir() if not path.name.startswith(("_", "py"))}
    known = {name.split(".")[1] for name in PUBLIC if "." in name} | set(INTERNAL)
    assert rooms == known


def test_every_public_name_has_one_entry(site: Site) -> None:
    names = [entry.name for entry in site.entries if entry.role.startswith("py:")]
    places: dict[str, list[str]] = {}
    for name in names:
        places.setdefault(name.rpartition(".")[2], []).append(name)
    lost = []
    for name in public_names():
        value = resolve(name)
        candidates = places.get(name.rpartition(".")[2], [])
        if not any(candidate == name or resolve(candidate) is value for candidate in candidates):
            lost.append(name)
    assert lost == []


def test_every_value_says_its_type_and_what_it_is_for(site: Site) -> None:
    entry = re.compile(
        r'<dl class="py (attribute|data|property)">\s*<dt[^>]* id="([^"]+)">(.*?)</dt>\s*<dd>(.*?)</dd>', re.DOTALL
    )
    silent = []
    for page in (site.folder / "reference").glob("*.html"):
        for kind, name, signature, text in entry.findall(page.read_text("utf-8")):
            shown = re.sub(r"<[^>]+>|\s", "", signature)
            # Its type, or its value; an alias says what it stands for.
            if not re.search(r":(?!Final¶|¶)|=", shown) and "alias of" not in text:
                silent.append(name)
            # autodoc finds no word on a value that another module has made, and gives those on its type.
            if kind == "data" and type(value := resolve(name)).__module__ == "builtins":
                said, of_type = (re.sub(r"<[^>]+>|\W", "", words) for words in (text, str(type(value).__doc__)))
                if said.startswith(of_type[:20]):
                    silent.append(name)
    assert silent == []


def test_every_entry_is_of_something(site: Site) -> None:
    gone = []
    for entry in site.entries:
        if entry.role.startswith("py:"):
            try:
                resolve(entry.name)
            except (LookupError, AttributeError):
                if not is_annotated(entry.name):
                    gone.append(entry.name)
    assert gone == []


def is_annotated(name: str) -> bool:
    """Say whether a class declares an attribute without a value, or makes it as an instance is made."""
    owner, _, attribute = name.rpartition(".")
    holder = resolve(owner)
    if not isinstance(holder, type):
        return False
    return any(
        attribute in vars(base).get("__annotations__", {}) or f"self.{attribute}: " in inspect.getsource(base)
        for base in holder.__mro__
        if base.__module__.startswith("django_ws")
    )


# --- settings -----------------------------------------------------------------------------------


def settings() -> dict[str, dict[str, str]]:
    """Give the entries of the page, by name."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        tables = importlib.import_module("tables")
    except ModuleNotFoundError:
        pytest.skip("the dependency group docs is not installed")
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    return dict(tables.read_settings(DOCS / "reference" / "settings.rst"))


def test_every_setting_has_an_entry_and_no_other_has() -> None:
    ours = {name for name in conf.NAMES if "WS_" in name}
    assert set(settings()) == ours
    page = (DOCS / "reference" / "settings.rst").read_text("utf-8")
    assert all(f"``{name}``" in page for name in conf.NAMES - ours)


def field_of(setting: str) -> str:
    """Give the field of :class:`~django_ws.conf.WebSocketSettings` that a setting is read into."""
    return "urlconf" if setting == "ROOT_WS_URLCONF" else setting.removeprefix("WS_").lower()


def test_the_defaults_and_types_are_the_real_ones() -> None:
    defaults = conf.WebSocketSettings()
    hints = get_type_hints(conf.WebSocketSettings, vars(conf) | {"Mapping": dict})
    for name, entry in settings().items():
        if name in {"WS_BASE_URL", "WS_BROKERS"}:
            continue  # read elsewhere, and of a type of its own
        value = getattr(defaults, field_of(name))
        shown = entry["default"].strip("`")
        assert shown == (f'"{value.value}"' if isinstance(value, conf.Denial) else repr(value).replace("'", '"')), name
        assert ("None" in entry["type"]) == ("None" in str(hints[field_of(name)])), name


def test_what_is_counted_has_a_unit() -> None:
    for name, entry in settings().items():
        assert ("unit" in entry) == bool(re.match(r"(int|float)\b", entry["type"])), name


def test_an_attribute_that_stands_for_a_setting_is_one_of_a_class() -> None:
    declared = {field.name for field in fields(Options)} | {"denial"}  # read before there is a socket
    named = {}
    for name, entry in settings().items():
        if "attribute" in entry:
            attribute = re.search(r"WebSocket\.(\w+)", entry["attribute"])
            assert attribute is not None
            assert attribute[1] == field_of(name)
            named[attribute[1]] = name
    # The other way round, too: what a class may declare, and is a setting, says so.
    assert set(named) == {field_of(name) for name in settings()} & declared


# --- checks, commands ---------------------------------------------------------------------------


def test_every_check_has_its_row_and_no_other_has() -> None:
    page = (DOCS / "checks.md").read_text("utf-8")
    rows = re.findall(r"^\| `django_ws\.([EW]\d{3})` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert [number for number, _, _ in rows] == list(HINTS)
    assert all(cause and cure == HINTS[number] for number, cause, cure in rows)


def test_every_command_has_its_row_and_no_other_has() -> None:
    page = (DOCS / "commands.md").read_text("utf-8")
    rows = {
        name
        for cells in re.findall(r"^\| (`manage\.py .*?|`python -m .*?) \|", page, re.MULTILINE)
        for name in re.findall(r"manage\.py (\w+)", cells)
    }
    folder = Path(django_ws.__path__[0]) / "management" / "commands"
    assert rows - {"check"} == {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
