import itertools
import typing

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from django_ws.exceptions import LocalProtocolError, RemoteProtocolError
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
from django_ws.protocol.machine import Machine
from django_ws.protocol.states import APPLICATION_TRANSITIONS, PEER_TRANSITIONS, ApplicationState, PeerState

PEER_EVENTS: tuple[PeerEvent, ...] = (Connect(), Receive("x"), Disconnect(4001, "bye"), Lost())
APPLICATION_EVENTS: tuple[ApplicationEvent, ...] = (
    Accept(),
    Send("x"),
    Close(4002, "enough"),
    DenialStart(),
    DenialBody(),
    DenialEnd(),
)

# Written from ASGI's www.rst ("WebSocket") and extensions.rst ("Websocket Denial Response"), not from our tables.
LEGAL_FOR_THE_PEER: dict[tuple[str, str], str] = {
    ("CONNECTING", "Connect"): "OPEN",
    ("CONNECTING", "Disconnect"): "CLOSED",
    ("OPEN", "Receive"): "OPEN",
    ("OPEN", "Disconnect"): "CLOSED",
    ("OPEN", "Lost"): "LOST",
    ("LOST", "Receive"): "LOST",
    ("LOST", "Disconnect"): "CLOSED",
    ("LOST", "Lost"): "LOST",
    ("CLOSED", "Disconnect"): "CLOSED",
    ("CLOSED", "Lost"): "CLOSED",
}
LEGAL_FOR_THE_APPLICATION: dict[tuple[str, str], str] = {
    ("CONNECTING", "Accept"): "OPEN",
    ("CONNECTING", "Close"): "DENIED",
    ("CONNECTING", "DenialStart"): "DENYING",
    ("DENYING", "DenialBody"): "DENYING",
    ("DENYING", "DenialEnd"): "DENIED",
    ("OPEN", "Send"): "OPEN",
    ("OPEN", "Close"): "CLOSED",
}


def application_after(event: PeerEvent, state: ApplicationState) -> str:
    if isinstance(event, (Disconnect, Lost)):
        return "DENIED" if state.name == "DENIED" else "CLOSED"
    if isinstance(event, Connect) and state.name == "WAITING":
        return "CONNECTING"
    return state.name


def machine_in(peer: PeerState, application: ApplicationState) -> Machine:
    machine = Machine()
    machine.peer_state, machine.peer_row = peer, PEER_TRANSITIONS[peer]
    machine.application_state, machine.application_row = application, APPLICATION_TRANSITIONS[application]
    return machine


def snapshot(machine: Machine) -> tuple[object, ...]:
    return tuple(getattr(machine, name) for name in Machine.__slots__)


def test_the_events_of_the_product_are_all_there_are() -> None:
    assert {type(event) for event in PEER_EVENTS} == set(typing.get_args(PeerEvent))
    assert {type(event) for event in APPLICATION_EVENTS} == set(typing.get_args(ApplicationEvent))


def test_a_new_machine_waits_for_the_peer() -> None:
    machine = Machine()
    assert machine.peer_state is PeerState.CONNECTING
    assert machine.application_state is ApplicationState.WAITING
    assert machine.peer_row is PEER_TRANSITIONS[PeerState.CONNECTING]
    assert machine.application_row is APPLICATION_TRANSITIONS[ApplicationState.WAITING]
    assert machine.close_code is None
    assert machine.close_reason == ""


@pytest.mark.parametrize(
    ("peer", "application", "event"), [*itertools.product(PeerState, ApplicationState, PEER_EVENTS)]
)
def test_the_peer_may_do_what_asgi_allows_and_nothing_else(
    peer: PeerState, application: ApplicationState, event: PeerEvent
) -> None:
    machine = machine_in(peer, application)
    before = snapshot(machine)
    after = LEGAL_FOR_THE_PEER.get((peer.name, type(event).__name__))
    if after is None:
        with pytest.raises(RemoteProtocolError, match=f"sent {type(event).__name__} while the peer was {peer.name};"):
            machine.receive(event)
        assert snapshot(machine) == before
        return
    machine.receive(event)
    assert machine.peer_state.name == after
    assert machine.peer_row is PEER_TRANSITIONS[machine.peer_state]
    assert machine.application_state.name == application_after(event, application)
    assert machine.application_row is APPLICATION_TRANSITIONS[machine.application_state]
    expected_close = (4001, "bye") if isinstance(event, Disconnect) else (None, "")
    assert (machine.close_code, machine.close_reason) == expected_close


@pytest.mark.parametrize(
    ("peer", "application", "event"), [*itertools.product(PeerState, ApplicationState, APPLICATION_EVENTS)]
)
def test_the_application_may_do_what_asgi_allows_and_nothing_else(
    peer: PeerState, application: ApplicationState, event: ApplicationEvent
) -> None:
    machine = machine_in(peer, application)
    before = snapshot(machine)
    after = LEGAL_FOR_THE_APPLICATION.get((application.name, type(event).__name__))
    if after is None:
        with pytest.raises(
            LocalProtocolError, match=f"send {type(event).__name__} while the application is {application.name};"
        ):
            machine.send(event)
        assert snapshot(machine) == before
        return
    machine.send(event)
    assert machine.application_state.name == after
    assert machine.application_row is APPLICATION_TRANSITIONS[machine.application_state]
    assert machine.peer_state is peer
    assert machine.peer_row is PEER_TRANSITIONS[peer]
    expected_close = (4002, "enough") if isinstance(event, Close) else (None, "")
    assert (machine.close_code, machine.close_reason) == expected_close


@pytest.mark.parametrize("application", [ApplicationState.CONNECTING, ApplicationState.OPEN])
@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 70_000])
def test_a_code_that_may_not_stand_in_a_close_frame_changes_nothing(code: int, application: ApplicationState) -> None:
    machine = machine_in(PeerState.OPEN, application)
    before = snapshot(machine)
    with pytest.raises(ValueError, match=f"^{code} may not stand in a close frame"):
        machine.send(Close(code))
    assert snapshot(machine) == before


def test_the_message_of_an_illegal_event_names_what_is_legal() -> None:
    machine = machine_in(PeerState.OPEN, ApplicationState.CONNECTING)
    with pytest.raises(LocalProtocolError) as refused:
        machine.send(Send("x"))
    assert str(refused.value) == (
        "cannot send Send while the application is CONNECTING; legal now: Accept, Close, DenialStart"
    )
    with pytest.raises(RemoteProtocolError) as surprised:
        machine.receive(Connect())
    assert str(surprised.value) == (
        "the ASGI server sent Connect while the peer was OPEN; legal now: Receive, Disconnect, Lost"
    )


def test_the_message_says_so_where_nothing_is_legal() -> None:
    with pytest.raises(LocalProtocolError, match=r"legal now: nothing$"):
        Machine().send(Accept())


def test_an_illegal_event_shows_no_payload() -> None:
    with pytest.raises(LocalProtocolError) as refused:
        Machine().send(Send("a secret"))
    assert "secret" not in str(refused.value)


def test_the_first_close_counts_where_the_application_closes_first() -> None:
    machine = machine_in(PeerState.OPEN, ApplicationState.OPEN)
    machine.send(Close(4002, "enough"))
    machine.receive(Disconnect(1006, "late"))
    assert (machine.close_code, machine.close_reason) == (4002, "enough")


def test_the_first_close_counts_where_the_peer_repeats_itself() -> None:
    machine = machine_in(PeerState.OPEN, ApplicationState.OPEN)
    machine.receive(Disconnect(4001, "bye"))
    machine.receive(Disconnect(1006, "late"))
    assert (machine.close_code, machine.close_reason) == (4001, "bye")


def test_a_lost_peer_leaves_the_code_to_its_disconnect() -> None:
    machine = machine_in(PeerState.OPEN, ApplicationState.OPEN)
    machine.receive(Lost())
    silent = machine.close_code
    machine.receive(Disconnect(1001, "going"))
    assert silent is None
    assert machine.close_code == 1001
    assert machine.close_reason == "going"


@settings(max_examples=150, stateful_step_count=20, deadline=None)
class AnyTalk(RuleBasedStateMachine):
    """Any order of events, against what the specification's prose allows."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()
        self.asked = False
        self.accepted = False
        self.answered = False
        self.denial_begun = False
        self.finished = False
        self.lost = False
        self.gone = False
        self.first_close: tuple[int, str] | None = None

    def may_peer(self, event: PeerEvent) -> bool:
        match event:
            case Connect():
                return not self.asked and not self.gone
            case Receive():
                return self.asked and not self.gone
            case Disconnect():
                return True
            case Lost():
                return self.asked or self.gone

    def may_application(self, event: ApplicationEvent) -> bool:
        if not self.asked or self.finished:
            return False
        match event:
            case Accept() | DenialStart():
                return not self.answered
            case Send():
                return self.accepted
            case Close():
                return not self.answered or self.accepted
            case DenialBody() | DenialEnd():
                return self.denial_begun

    @rule(
        event=st.one_of(
            st.just(Connect()),
            st.builds(Receive, st.text(max_size=3) | st.binary(max_size=3)),
            st.builds(Disconnect, st.sampled_from([1000, 1001, 1005, 1006, 4001]), st.sampled_from(["", "bye"])),
            st.just(Lost()),
        )
    )
    def peer_does(self, event: PeerEvent) -> None:
        if not self.may_peer(event):
            before = snapshot(self.machine)
            with pytest.raises(RemoteProtocolError):
                self.machine.receive(event)
            assert snapshot(self.machine) == before
            return
        self.machine.receive(event)
        match event:
            case Connect():
                self.asked = True
            case Disconnect(code=code, reason=reason):
                self.gone = self.finished = True
                self.first_close = self.first_close or (code, reason)
            case Lost():
                self.lost = self.finished = True
            case Receive():
                pass

    @rule(
        event=st.one_of(
            st.just(Accept()),
            st.builds(Send, st.text(max_size=3) | st.binary(max_size=3)),
            st.builds(Close, st.sampled_from([1000, 1011, 4002]), st.sampled_from(["", "enough"])),
            st.just(DenialStart()),
            st.just(DenialBody(b"x")),
            st.just(DenialEnd(b"x")),
        )
    )
    def application_does(self, event: ApplicationEvent) -> None:
        if not self.may_application(event):
            before = snapshot(self.machine)
            with pytest.raises(LocalProtocolError):
                self.machine.send(event)
            assert snapshot(self.machine) == before
            return
        self.machine.send(event)
        self.answered = True
        match event:
            case Accept():
                self.accepted = True
            case Close(code=code, reason=reason):
                self.finished = True
                self.first_close = self.first_close or (code, reason)
            case DenialStart():
                self.denial_begun = True
            case DenialEnd():
                self.finished = True
            case Send() | DenialBody():
                pass

    @rule(code=st.sampled_from([0, 999, 1005, 1006, 1015, 2000, 5000]))
    def application_closes_with_a_code_that_is_none(self, code: int) -> None:
        before = snapshot(self.machine)
        with pytest.raises(ValueError if self.may_application(Close()) else LocalProtocolError):
            self.machine.send(Close(code))
        assert snapshot(self.machine) == before

    @invariant()
    def the_first_close_is_kept(self) -> None:
        expected = (None, "") if self.first_close is None else self.first_close
        assert (self.machine.close_code, self.machine.close_reason) == expected

    @invariant()
    def nothing_may_be_sent_after_the_end(self) -> None:
        if self.finished:
            assert not self.machine.application_row

    @invariant()
    def messages_may_be_sent_exactly_while_it_is_open(self) -> None:
        assert (Send in self.machine.application_row) is (self.accepted and not self.finished)

    @invariant()
    def the_rows_are_those_of_the_states(self) -> None:
        assert self.machine.peer_row is PEER_TRANSITIONS[self.machine.peer_state]
        assert self.machine.application_row is APPLICATION_TRANSITIONS[self.machine.application_state]


TestAnyTalk = AnyTalk.TestCase
