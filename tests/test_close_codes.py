import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ws.close_codes import MAX_REASON_BYTES, CloseCode, check_sendable, is_sendable, truncate_reason


def test_the_codes_are_those_of_the_iana_registry() -> None:
    assert {code.name: code.value for code in CloseCode} == {
        "NORMAL_CLOSURE": 1000,
        "GOING_AWAY": 1001,
        "PROTOCOL_ERROR": 1002,
        "UNSUPPORTED_DATA": 1003,
        "NO_STATUS_RCVD": 1005,
        "ABNORMAL_CLOSURE": 1006,
        "INVALID_FRAME_PAYLOAD_DATA": 1007,
        "POLICY_VIOLATION": 1008,
        "MESSAGE_TOO_BIG": 1009,
        "MANDATORY_EXTENSION": 1010,
        "INTERNAL_ERROR": 1011,
        "SERVICE_RESTART": 1012,
        "TRY_AGAIN_LATER": 1013,
        "BAD_GATEWAY": 1014,
        "TLS_HANDSHAKE": 1015,
        "TIMEOUT": 3008,
    }


def test_exactly_the_codes_that_a_server_may_put_on_the_wire_are_sendable() -> None:
    by_hand = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, *range(3000, 5000)}
    assert {code for code in range(-10, 70_000) if is_sendable(code)} == by_hand


@pytest.mark.parametrize("code", list(CloseCode))
def test_a_member_of_the_enum_is_as_sendable_as_its_number(code: CloseCode) -> None:
    assert is_sendable(code) is is_sendable(int(code))


def test_a_code_that_is_not_sendable_is_refused_with_those_that_are() -> None:
    check_sendable(1000)
    check_sendable(4999)
    with pytest.raises(ValueError, match=r"^1005 may not stand in a close frame: use 1000, .* or 3000 to 4999"):
        check_sendable(CloseCode.NO_STATUS_RCVD)


def test_a_reason_of_123_bytes_is_left_alone() -> None:
    assert truncate_reason("x" * 123) == "x" * 123


def test_a_reason_of_124_bytes_loses_one() -> None:
    assert truncate_reason("x" * 124) == "x" * 123


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("x" * 122 + "é", "x" * 122),
        ("x" * 121 + "é", "x" * 121 + "é"),
        ("x" * 121 + "€", "x" * 121),
        ("x" * 120 + "😀", "x" * 120),
        ("😀" * 40, "😀" * 30),
    ],
)
def test_a_reason_is_never_cut_inside_a_character(reason: str, cut: str) -> None:
    assert truncate_reason(reason) == cut


def test_a_lone_surrogate_in_a_reason_becomes_a_question_mark() -> None:
    assert truncate_reason("a\ud800b") == "a?b"


@given(st.text(st.characters(), max_size=200))
def test_every_reason_fits_a_close_frame_and_stays_a_prefix(reason: str) -> None:
    cut = truncate_reason(reason)
    assert len(cut.encode()) <= MAX_REASON_BYTES
    assert reason.encode("utf-8", "replace").decode().startswith(cut)
    assert truncate_reason(cut) == cut
