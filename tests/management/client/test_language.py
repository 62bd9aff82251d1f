"""management/client/language.py: what a line means."""

from pathlib import Path

import pytest

from django_ws.management.client.language import COMMANDS, Close, Help, Order, Ping, Send, read_order


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("", None),
        ("  ", None),
        ("hello ", Send("hello ")),
        (' {"a": 1}', Send(' {"a": 1}')),
        ("//help", Send("/help")),
        ("/ping", Ping(b"")),
        ("/ping  ü", Ping("ü".encode())),
        ("/close", Close(1000, "")),
        ("/quit", Close(1000, "")),
        ("/close 4000", Close(4000, "")),
        ("/close 4000 so long", Close(4000, "so long")),
        ("/hex 00 ff10", Send(b"\x00\xff\x10")),
        ("/hex", Send(b"")),
        ("/help", Help()),
    ],
)
def test_a_line_is_a_message_or_a_command(line: str, order: Order | None) -> None:
    assert read_order(line) == order


def test_a_file_is_a_binary_message(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"\x00\n")
    assert read_order(f"/file {tmp_path / 'a file'}") == Send(b"\x00\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/nothing", "no command /nothing; /help lists them, and //nothing sends it"),
        ("/", "no command /;"),
        (f"/ping {'ü' * 63}", "may have 125 bytes, this has 126"),
        ("/close bye", "'bye' is no close code"),
        ("/close ²", "is no close code"),
        ("/close 1006", "1006 may not stand in a close frame"),
        (f"/close 4000 {'ü' * 62}", "may have 123 bytes, this has 124"),
        ("/hex 0", "'0' is no bytes"),
        ("/hex xx", "two hexadecimal digits"),
        ("/file /nowhere/at/all", "'/nowhere/at/all' cannot be read"),
        ("/file ~nobody-of-that-name/x", "cannot be read"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_order(line)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"/file", "/close"}))
def test_every_command_that_is_listed_is_one(name: str) -> None:
    assert read_order(name) is not None
