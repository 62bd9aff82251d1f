"""Bad frames and handshakes, as bytes: what RFC 6455 forbids, and what is only meant to hurt."""

import base64
import struct
from collections.abc import Callable
from random import Random
from typing import Final

from resilience.scenarios.fuzzed import MARK
from servers.raw import BINARY, CLOSE, PING, PONG, TEXT, frame, mask

__all__ = ["bad_frames", "bad_handshake", "handshake"]

_KEY: Final = b"\x12\x34\x56\x78"


def _frame(first: int, payload: bytes = b"", *, masked: bool = True, size: bytes | None = None) -> bytes:
    """Build a frame whose first byte and length may be anything."""
    bit = 0x80 if masked else 0
    if size is None:
        length = len(payload)
        size = bytes([bit | length]) if length < 126 else bytes([bit | 126]) + struct.pack("!H", length)
    return bytes([first]) + size + (_KEY + mask(payload, _KEY) if masked else payload)


_PAYLOAD: Final = MARK.encode()

# --- frames: each breaks the connection, or leaves it in the middle of something --------------------------------------


def _opcode(random: Random) -> bytes:
    return _frame(0x80 | random.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), _PAYLOAD)


def _reserved_bits(random: Random) -> bytes:
    return _frame(0x80 | random.choice((0x10, 0x20, 0x40, 0x70)) | random.choice((TEXT, BINARY, PING)), _PAYLOAD)


def _unmasked(random: Random) -> bytes:
    return _frame(0x80 | random.choice((TEXT, BINARY, PING, CLOSE)), _PAYLOAD, masked=False)


def _length(random: Random) -> bytes:
    """A length that is not the shortest form, or is out of all reason, or has its highest bit set."""
    size = random.choice(
        (
            bytes([0x80 | 126]) + struct.pack("!H", len(_PAYLOAD)),
            bytes([0x80 | 127]) + struct.pack("!Q", len(_PAYLOAD)),
            bytes([0x80 | 127]) + struct.pack("!Q", 1 << 40),
            bytes([0x80 | 127]) + struct.pack("!Q", (1 << 63) + 5),
            bytes([0x80 | 127]) + b"\xff" * 8,
        )
    )
    return _frame(0x80 | random.choice((TEXT, BINARY)), _PAYLOAD, size=size)


def _fragments(random: Random) -> bytes:
    """A continuation of nothing, a message within a message, or one without an end."""
    return random.choice(
        (
            frame(0, _PAYLOAD),
            frame(0, _PAYLOAD, final=False),
            frame(TEXT, _PAYLOAD, final=False) + frame(TEXT, _PAYLOAD),
            frame(TEXT, _PAYLOAD, final=False) + frame(BINARY, _PAYLOAD, final=False) + frame(0, b""),
            frame(TEXT, _PAYLOAD, final=False) + frame(0, b"", final=False) * random.randrange(50),
            frame(PING, _PAYLOAD, final=False),
            frame(CLOSE, b"", final=False),
        )
    )


def _utf_8(random: Random) -> bytes:
    wrong = random.choice(
        (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xf8\x88\x80\x80\x80")
    )
    if random.random() < 0.5:
        return frame(TEXT, _PAYLOAD + wrong)
    # A character that is cut by the border of a fragment, and goes on wrongly.
    return frame(TEXT, _PAYLOAD + b"\xe4\xb8", final=False) + frame(0, wrong)


def _long_control(random: Random) -> bytes:
    payload = (_PAYLOAD * 20)[: random.choice((126, 130, 200))]
    return frame(random.choice((PING, PONG, CLOSE)), payload)


def _close_code(random: Random) -> bytes:
    code = random.choice((0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535))
    payload = random.choice(
        (struct.pack("!H", code) + _PAYLOAD, b"\x03", struct.pack("!H", 1000) + b"\xff\xfe", struct.pack("!H", code))
    )
    return frame(CLOSE, payload)


def _after_close(random: Random) -> bytes:
    return frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, _PAYLOAD) * random.randint(1, 3)


def _cut(random: Random) -> bytes:
    whole = frame(random.choice((TEXT, BINARY)), _PAYLOAD * 20)
    return whole[: random.randrange(1, len(whole))]


def _noise(random: Random) -> bytes:
    return random.randbytes(random.randint(1, 300))


def _http(random: Random) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


_BAD_FRAMES: Final[tuple[Callable[[Random], bytes], ...]] = (
    _opcode,
    _reserved_bits,
    _unmasked,
    _length,
    _fragments,
    _utf_8,
    _long_control,
    _close_code,
    _after_close,
    _cut,
    _noise,
    _http,
)


def bad_frames(random: Random) -> bytes:
    """Give one or more frames, the last of which is wrong."""
    before = frame(TEXT, b"[1]") * random.randrange(3)
    return before + random.choice(_BAD_FRAMES)(random)


# --- handshakes -------------------------------------------------------------------------------------------------------


def handshake(port: int, target: str, **changes: str | None) -> bytes:
    """Build a handshake; a change replaces a header (dashes as underscores), ``None`` leaves it out."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        "Sec-WebSocket-Version": "13",
    }
    for name, value in changes.items():
        headers[name.replace("_", "-")] = value
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


_PATH: Final = "/fuzzed/json/"

_CHANGES: Final[tuple[dict[str, str | None], ...]] = (
    {"Host": None},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1:notaport"},
    {"Host": ""},
    {"Host": "\xff\xfe"},
    {"Host": "[::1"},
    {"Upgrade": None},
    {"Upgrade": "h2c"},
    {"Connection": None},
    {"Connection": "close"},
    {"Sec-WebSocket-Key": None},
    {"Sec-WebSocket-Key": "short"},
    {"Sec-WebSocket-Key": "\xe9" * 24},
    {"Sec-WebSocket-Version": None},
    {"Sec-WebSocket-Version": "8"},
    {"Sec-WebSocket-Version": "thirteen"},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "://["},
    {"Origin": "http://[::1"},
    {"Origin": "\xff"},
    {"Origin": "http://127.0.0.1:99999999"},
    {"Sec-WebSocket-Protocol": ",,, ,"},
    {"Sec-WebSocket-Protocol": "\xff, a b"},
    {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits=99"},
    {"Sec-WebSocket-Extensions": "permessage-deflate; ; =, x-unknown"},
    {"Cookie": "sessionid=\xff; =; ;;"},
    {"Content-Length": "-1"},
    {"Content-Length": "5"},
    {"Transfer-Encoding": "chunked"},
    {"X-Long": "x" * 20_000},
    {"X-Control": "a\x01b"},
    {"Bad Name": "1"},
)

_TARGETS: Final = (
    "/nowhere/",
    "/fuzzed/json",
    "/fuzzed/json/?%ff=%fe",
    "/fuzzed/json/?\xff",
    "/%ff%fe/",
    "/%2e%2e/%00/",
    "/fuzzed/json/" + "a" * 9000,
    "//fuzzed//json//",
    "/fuzzed/json/#fragment",
    "http://127.0.0.1/fuzzed/json/",
    "*",
    "fuzzed/json/",
    "/\xe4\xb8\x96/",
    "/a b/",
)

_RAW: Final = (
    b"\x00" * 50,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 80,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"GET /fuzzed/json/ HTTP/1.1\nHost: 127.0.0.1\n\n",
)


def bad_handshake(random: Random, port: int) -> bytes:
    """Give a request that is no handshake, or one with something wrong in it."""
    match random.randrange(5):
        case 0:
            return random.choice(_RAW)
        case 1:
            return handshake(port, random.choice(_TARGETS))
        case 2:
            whole = handshake(port, _PATH, **random.choice(_CHANGES))
            data = bytearray(whole)
            for _ in range(random.randint(1, 3)):
                data[random.randrange(len(data))] = random.randrange(256)
            return bytes(data)
        case 3:
            whole = handshake(port, _PATH)
            return whole[: random.randrange(1, len(whole))]
        case _:
            changes = dict(random.choice(_CHANGES))
            return handshake(port, _PATH, **changes)
