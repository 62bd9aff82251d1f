"""What a script on a page sees of a websocket: asked in the browser, told in Python."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import ConsoleMessage, Frame, Page

__all__ = ["Seen", "begin", "end", "refused_with", "visit", "wait_until_open"]

_BEGIN: Final = """([url, protocols, sends]) => {
    const seen = {events: [], messages: [], protocol: ""};
    const socket = protocols === null ? new WebSocket(url) : new WebSocket(url, protocols);
    window.opened = new Promise((resolve) => {
        window.ended = new Promise((end) => {
            for (const name of ["open", "message", "error", "close"])
                socket.addEventListener(name, (event) => {
                    if (name === "message") seen.messages.push(event.data);
                    else seen.events.push(name);
                    if (name === "open") {
                        seen.protocol = socket.protocol;
                        for (const message of sends) socket.send(message);
                        resolve();
                    }
                    if (name === "close")
                        end({...seen, code: event.code, reason: event.reason, clean: event.wasClean});
                });
        });
    });
}"""
_STATUS: Final = re.compile(r"Unexpected response code: (\d+)")
_STATUS_401: Final = "HTTP Authentication failed"
"""How Chromium's console puts it where the status is 401."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One socket, from its beginning to its ``close`` event."""

    events: list[str]
    """The names of the events, but for ``message``, in order."""
    messages: list[str]
    """The texts that came."""
    protocol: str
    """``protocol`` of the socket when it opened."""
    code: int
    """``code`` of the close event."""
    reason: str
    """``reason`` of the close event."""
    clean: bool
    """``wasClean`` of the close event."""

    @property
    def is_nothing(self) -> bool:
        """Whether it is all that a browser tells of a handshake that was refused."""
        return self == Seen(["error", "close"], [], "", 1006, "", clean=False)

    @property
    def told_reason(self) -> str:
        """What a table of docs/denials.md says of the reason."""
        return f"`{self.reason}`" if self.reason else "none"

    @property
    def summary(self) -> str:
        """What a table of docs/denials.md says: each event, the close with its code."""
        clean = "" if self.clean else ", not clean"
        return ", ".join(f"`{name}`" for name in self.events) + f" {self.code}{clean}"


def visit(page: Page | Frame, url: str, protocols: Sequence[str] | None = None, sends: Sequence[str] = ()) -> Seen:
    """Open a websocket in a page, send what is to be sent when it opens, and wait for its end."""
    begin(page, url, protocols, sends)
    return end(page)


def begin(page: Page | Frame, url: str, protocols: Sequence[str] | None = None, sends: Sequence[str] = ()) -> None:
    """Begin to open a websocket, and wait for nothing."""
    page.evaluate(_BEGIN, [url, None if protocols is None else [*protocols], [*sends]])


def wait_until_open(page: Page) -> None:
    """Wait until the socket that was begun last is open."""
    page.evaluate("window.opened")


def end(page: Page | Frame) -> Seen:
    """Wait for the end of the socket that was begun last."""
    told: dict[str, object] = page.evaluate("window.ended")
    return Seen(**told)  # type: ignore[arg-type]  # as _BEGIN makes it


def refused_with(page: Page, url: str, protocols: Sequence[str] | None = None) -> tuple[Seen, int]:
    """Open a websocket that is refused over HTTP.

    Returns:
        What the script sees, and the status, which the browser tells its developer's console alone.
    """

    with page.expect_console_message(lambda message: bool(_status(message))) as message:
        seen = visit(page, url, protocols)
    return seen, _status(message.value)


def _status(message: ConsoleMessage) -> int:
    """Give the status that a line of the console tells, 0 where it tells none."""
    found = _STATUS.search(message.text)
    return int(found[1]) if found else 401 if _STATUS_401 in message.text else 0
