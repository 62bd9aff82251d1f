"""Every example of docs/handlers.md runs, and does what the conversation below it says."""

import logging
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_ws.handler import as_factory
from django_ws.testing import connect

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "handlers.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [(code, conversation) for (_, code), (_, conversation) in zip(BLOCKS[::2], BLOCKS[1::2], strict=True)]


def target_of(code: str) -> tuple[str, str]:
    """Give the name of an example's socket: the last thing that it defines."""
    return re.findall(r"^(?:async def|class) (\w+)", code, re.MULTILINE)[-1], code


def test_every_example_has_its_conversation() -> None:
    assert [language for language, _ in BLOCKS] == ["python", "text"] * 8


@pytest.mark.parametrize(("code", "conversation"), EXAMPLES, ids=[target_of(code)[0] for code, _ in EXAMPLES])
def test_each_example_does_what_it_says(
    code: str,
    conversation: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    database: None,
) -> None:
    module = types.ModuleType("example_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "docs/handlers.md", "exec"), vars(module))
    target: Any = vars(module)[target_of(code)[0]]
    as_factory(target)

    async def converse() -> None:
        async with connect(target) as ws:
            for line in conversation.splitlines():
                match line.split(" ", 2):
                    case [">", *_]:
                        await ws.send(line[2:])
                    case ["<", "close", code]:
                        assert await ws.wait_closed() == int(code)
                    case _:
                        assert await ws.receive() == line[2:]

    async_to_sync(converse)()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(WS_[A-Z_]+)", PAGE))))
def test_a_setting_that_is_named_exists(name: str) -> None:
    from django_ws import conf

    assert name in conf.NAMES
