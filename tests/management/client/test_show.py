"""management/client/show.py: what is seen of messages, of ends, and of what is typed."""

import pytest

from django_ws.management.client.jsontext import Fragments
from django_ws.management.client.language import COMMANDS
from django_ws.management.client.show import close_text, help_lines, input_pieces, message_lines, printable


def texts(lines: list[Fragments]) -> list[str]:
    return ["".join(text for _, text in line) for line in lines]


def shown(message: str | bytes, width: int = 68) -> list[str]:
    return texts(message_lines(message, width))


def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    assert printable("a\x1b[2J\x07\x9b\u202eb") == r"a\x1b[2J\x07\x9b\u202eb"
    assert printable("grüße\n\t👩\u200d💻") == "grüße\n\t👩\u200d💻"
    assert shown('{"a": "\x7f\u202e"}') == [r'{"a": "\x7f\u202e"}']
    assert shown("\x1b[31mred") == [r"\x1b[31mred"]
    assert close_text(4000, "\x1b[31m").endswith(r"\x1b[31m")


def test_a_text_is_shown_line_by_line() -> None:
    assert shown("one\r\ntwo\nthree") == ["one", "two", "three"]
    assert shown("") == [""]


def test_json_is_laid_out_in_the_width_that_there_is() -> None:
    assert shown('{"a": [1, 2]}') == ['{"a": [1, 2]}']
    # However narrow the terminal is.
    assert shown('{"a": [1, 2], "b": "123456789"}', 1) == ["{", '  "a": [1, 2],', '  "b": "123456789"', "}"]


def test_of_a_long_message_the_first_lines_are_shown() -> None:
    lines = shown("\n".join(map(str, range(1000))))
    assert lines[:2] == ["0", "1"]
    assert lines[-2:] == ["199", "(800 more lines)"]


def test_bytes_are_shown_with_their_number_and_their_characters() -> None:
    assert shown(b"") == ["binary, 0 bytes"]
    assert shown(b"A") == ["binary, 1 byte  41  A"]
    assert shown(b"\x00\x1fAz~\x7f\xff") == ["binary, 7 bytes  00 1f 41 7a 7e 7f ff  ..Az~.."]


@pytest.mark.parametrize(("width", "in_row"), [(71, 16), (70, 8), (39, 8), (38, 4), (1, 4)])
def test_bytes_get_as_many_columns_as_there_are(width: int, in_row: int) -> None:
    head, first, second, *_ = shown(bytes(range(0x41, 0x41 + 20)), width)
    assert head == "binary, 20 bytes"
    assert first.startswith("0000  41 42 43 44")
    assert second.startswith(f"{in_row:04x}  {0x41 + in_row:02x}")
    assert len(first) <= max(width, 23)
    # The characters stand below one another.
    assert all(line[6 + 3 * in_row + 1 :].strip() for line in (first, second))


def test_of_many_bytes_the_first_are_shown() -> None:
    lines = shown(bytes(1000), 80)
    assert lines[-2:] == [f"00f0  {' '.join(['00'] * 16)}  {'.' * 16}", "(744 more bytes)"]


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [
        (1000, "", "1000 NORMAL_CLOSURE"),
        (1011, "out of luck", "1011 INTERNAL_ERROR: out of luck"),
        (1005, "", "1005 NO_STATUS_RCVD, a close frame without a code"),
        (1006, "", "1006 ABNORMAL_CLOSURE, the connection was lost without a close frame"),
        (3008, "", "3008 TIMEOUT"),
        (3500, "x", "3500, a code of a library: x"),
        (4000, "", "4000, a code of the application's own"),
        (4403, "Forbidden", "4403, as HTTP 403 Forbidden"),
        (4302, "/login/", "4302, as HTTP 302 Found: /login/"),
        (4401, "/login/", "4401, as HTTP 401 Unauthorized: /login/"),
        (2999, "", "2999, an unknown code"),
    ],
)
def test_a_code_is_shown_with_its_name_and_the_reason(code: int, reason: str, text: str) -> None:
    assert close_text(code, reason) == text


def test_the_help_names_every_command() -> None:
    whole = "\n".join(texts(help_lines()))
    assert all(name in whole and meaning in whole for name, (_, meaning) in COMMANDS.items())


def test_what_is_typed_is_coloured() -> None:
    assert input_pieces("/ping x") == [("class:command", "/ping"), ("", " x")]
    assert input_pieces("/pong") == [("class:wrong", "/pong"), ("", "")]
    assert input_pieces("//x") == [("class:json.other", "//x")]
    assert input_pieces("[") == [("class:json.mark", "[")]
