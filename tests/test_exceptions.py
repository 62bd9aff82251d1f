import copy
import pickle

import pytest

from django_ws import exceptions
from django_ws.close_codes import CloseCode
from django_ws.exceptions import (
    BrokerError,
    ConnectionClosed,
    DjangoWSError,
    InvalidMessageError,
    LocalProtocolError,
    MessageTooBigError,
    MessageTooDeepError,
    NoRouteError,
    PayloadTooBigError,
    ProtocolError,
    RemoteProtocolError,
    TopicGapError,
    TopicOverflowError,
    UnsupportedDataError,
)

TREE: dict[type[Exception], tuple[type[Exception], ...]] = {
    DjangoWSError: (Exception,),
    ProtocolError: (DjangoWSError,),
    LocalProtocolError: (ProtocolError, RuntimeError),
    RemoteProtocolError: (ProtocolError,),
    ConnectionClosed: (DjangoWSError,),
    NoRouteError: (DjangoWSError,),
    InvalidMessageError: (DjangoWSError, ValueError),
    UnsupportedDataError: (InvalidMessageError,),
    MessageTooBigError: (InvalidMessageError,),
    MessageTooDeepError: (InvalidMessageError,),
    BrokerError: (DjangoWSError,),
    PayloadTooBigError: (BrokerError, ValueError),
    TopicGapError: (DjangoWSError,),
    TopicOverflowError: (DjangoWSError,),
}


@pytest.mark.parametrize(("error", "bases"), TREE.items())
def test_every_error_has_its_place_in_the_tree(error: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    assert error.__bases__ == bases


def test_the_tree_names_every_public_error() -> None:
    assert {error.__name__ for error in TREE} == set(exceptions.__all__)


@pytest.mark.parametrize("error", TREE)
def test_the_drawing_in_the_docstring_names_every_error(error: type[Exception]) -> None:
    assert f"{error.__name__} " in f"{exceptions.__doc__}".replace("\n", " ")


def test_a_connection_that_closed_without_a_word_broke() -> None:
    closed = ConnectionClosed()
    assert (closed.code, closed.reason) == (1006, "")


def test_a_closed_connection_carries_code_and_reason() -> None:
    closed = ConnectionClosed(4001, "bye")
    assert (closed.code, closed.reason) == (4001, "bye")


@pytest.mark.parametrize(
    ("closed", "text"),
    [
        (ConnectionClosed(4001, "bye"), "closed with 4001 (bye)"),
        (ConnectionClosed(4001), "closed with 4001"),
        (ConnectionClosed(CloseCode.GOING_AWAY, "down"), "closed with 1001 (down)"),
        (ConnectionClosed(CloseCode.GOING_AWAY), "closed with 1001"),
        (ConnectionClosed(), "closed with 1006"),
    ],
)
def test_a_closed_connection_says_its_code_as_a_number(closed: ConnectionClosed, text: str) -> None:
    assert str(closed) == text


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_closed_connection_survives_a_copy(again: object) -> None:
    assert callable(again)
    closed = again(ConnectionClosed(4001, "bye"))
    assert isinstance(closed, ConnectionClosed)
    assert (closed.code, closed.reason) == (4001, "bye")


@pytest.mark.parametrize(
    ("error", "code"),
    [(InvalidMessageError, 1007), (UnsupportedDataError, 1003), (MessageTooBigError, 1009)],
)
def test_a_message_that_cannot_be_taken_names_the_close_code(error: type[InvalidMessageError], code: int) -> None:
    assert error.code == code
    assert error("no payload here").code == code
