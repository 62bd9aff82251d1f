import typing
from collections.abc import Mapping

import pytest

from django_ws.protocol.events import (
    Accept,
    ApplicationEvent,
    Close,
    Connect,
    DenialBody,
    DenialEnd,
    DenialStart,
    Disconnect,
    Lost,
    PeerEvent,
    Receive,
    Send,
)
from django_ws.protocol.states import (
    APPLICATION_TRANSITIONS,
    PEER_EFFECTS,
    PEER_TRANSITIONS,
    ApplicationState,
    PeerState,
)

PEER_EVENTS: tuple[type[PeerEvent], ...] = typing.get_args(PeerEvent)
APPLICATION_EVENTS: tuple[type[ApplicationEvent], ...] = typing.get_args(ApplicationEvent)


def test_the_peer_has_the_states_that_the_docs_name() -> None:
    assert [state.name for state in PeerState] == ["CONNECTING", "OPEN", "LOST", "CLOSED"]


def test_the_application_has_the_states_that_the_docs_name() -> None:
    assert [state.name for state in ApplicationState] == [
        "WAITING",
        "CONNECTING",
        "OPEN",
        "DENYING",
        "DENIED",
        "CLOSED",
    ]


def test_every_state_has_a_row() -> None:
    assert set(PEER_TRANSITIONS) == set(PeerState)
    assert set(APPLICATION_TRANSITIONS) == set(ApplicationState)


def test_every_event_of_the_peer_has_a_row_of_effects() -> None:
    assert set(PEER_EFFECTS) == set(PEER_EVENTS)


def test_every_event_is_legal_somewhere() -> None:
    assert {kind for row in PEER_TRANSITIONS.values() for kind in row} == set(PEER_EVENTS)
    assert {kind for row in APPLICATION_TRANSITIONS.values() for kind in row} == set(APPLICATION_EVENTS)


@pytest.mark.parametrize("table", [PEER_TRANSITIONS, APPLICATION_TRANSITIONS, PEER_EFFECTS])
def test_a_table_cannot_be_changed(table: Mapping[object, object]) -> None:
    with pytest.raises(TypeError):
        table[object()] = {}  # type: ignore[index]


# ASGI www.rst, "Connect": "the first event", to be answered by an Accept or a Close; extensions.rst: or a denial.
def test_only_connect_opens_the_handshake() -> None:
    assert PEER_TRANSITIONS[PeerState.CONNECTING] == {Connect: PeerState.OPEN, Disconnect: PeerState.CLOSED}
    assert APPLICATION_TRANSITIONS[ApplicationState.WAITING] == {}
    assert PEER_EFFECTS[Connect] == {ApplicationState.WAITING: ApplicationState.CONNECTING}


def test_the_handshake_has_three_answers() -> None:
    assert APPLICATION_TRANSITIONS[ApplicationState.CONNECTING] == {
        Accept: ApplicationState.OPEN,
        Close: ApplicationState.DENIED,
        DenialStart: ApplicationState.DENYING,
    }


def test_an_open_connection_carries_messages_until_a_close() -> None:
    assert APPLICATION_TRANSITIONS[ApplicationState.OPEN] == {
        Send: ApplicationState.OPEN,
        Close: ApplicationState.CLOSED,
    }
    assert PEER_TRANSITIONS[PeerState.OPEN][Receive] is PeerState.OPEN


def test_a_denial_is_finished_by_its_last_part() -> None:
    assert APPLICATION_TRANSITIONS[ApplicationState.DENYING] == {
        DenialBody: ApplicationState.DENYING,
        DenialEnd: ApplicationState.DENIED,
    }


@pytest.mark.parametrize("state", [ApplicationState.DENIED, ApplicationState.CLOSED])
def test_nothing_follows_the_end_of_the_application(state: ApplicationState) -> None:
    assert APPLICATION_TRANSITIONS[state] == {}


@pytest.mark.parametrize("state", [PeerState.CONNECTING, PeerState.OPEN, PeerState.LOST, PeerState.CLOSED])
def test_a_disconnect_may_come_at_any_time_and_again(state: PeerState) -> None:
    assert PEER_TRANSITIONS[state][Disconnect] is PeerState.CLOSED


def test_what_a_lost_peer_had_said_may_still_be_read() -> None:
    assert PEER_TRANSITIONS[PeerState.OPEN][Lost] is PeerState.LOST
    assert PEER_TRANSITIONS[PeerState.LOST][Receive] is PeerState.LOST


@pytest.mark.parametrize("event", [Disconnect, Lost])
@pytest.mark.parametrize("state", ApplicationState)
def test_the_end_of_the_peer_ends_the_application_but_not_a_denial_that_was_given(
    event: type[PeerEvent], state: ApplicationState
) -> None:
    after = PEER_EFFECTS[event].get(state, state)
    assert after is (ApplicationState.DENIED if state is ApplicationState.DENIED else ApplicationState.CLOSED)


def test_a_message_of_the_peer_moves_nothing() -> None:
    assert PEER_EFFECTS[Receive] == {}
