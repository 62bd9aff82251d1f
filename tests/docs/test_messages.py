"""Every example of docs/messages.md does what the page says: each block of code holds the conversation below it."""

import logging
import re
import sys
import types
from pathlib import Path

import pytest

from django_ws import WebSocketHandler
from django_ws.testing import Peer
from serving import serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "messages.md").read_text("utf-8")
EXAMPLES = {
    section.partition("\n")[0]: re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    for section in PAGE.split("\n## ")
    if "```" in section
}


def test_every_block_of_the_page_is_an_example_and_its_conversation() -> None:
    assert len(EXAMPLES) == 6
    for blocks in EXAMPLES.values():
        assert [language for language, _ in blocks] == ["python", "text"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_each_example_of_the_page_does_what_it_says(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "django_ws")
    (_, code), (_, conversation) = EXAMPLES[name]
    module = types.ModuleType("example_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "docs/messages.md", "exec"), vars(module))
    (socket,) = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, WebSocketHandler) and each is not WebSocketHandler
    ]
    ended = True
    peer = Peer(serving(socket))
    for line in conversation.splitlines():
        said, text = line[0], line[2:]
        if ended:
            peer = Peer(serving(socket))
            _ = peer.start()
            assert await peer.connect()
            ended = False
        if said == ">":
            peer.text(text)
        elif text.startswith("close "):
            assert await peer.wait_closed() == int(text.removeprefix("close "))
            await peer.wait()
            ended = True
        else:
            assert await peer.receive() == text
    if not ended:
        peer.disconnect()
        await peer.wait()
