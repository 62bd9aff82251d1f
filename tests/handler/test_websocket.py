"""handler/websocket.py"""

# Much is sent without await, on purpose.
# mypy: disable-error-code=unused-awaitable

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest
from typing_extensions import override

from django_ws.codecs.json import JSON, JSONCodec
from django_ws.exceptions import ConnectionClosed, InvalidMessageError, LocalProtocolError
from django_ws.handler import PING_TASK, TASK_CANCELLED, TASK_DUPLICATE_STARTED, WebSocket
from django_ws.interfaces import Data
from django_ws.refusals import Limit, refusals
from django_ws.testing import FakeConnection
from handler.support import make, messages, turns, until


class Text(WebSocket[str, str]): ...


class Bytes(WebSocket[bytes, bytes]): ...


class Small(WebSocket[str, str]):
    max_message_size = 8


def ready(connection: FakeConnection | None = None, cls: type[Any] = Text) -> Any:
    return make(cls, connection or FakeConnection(is_open=True, end=None))


# --- state ----------------------------------------------------------------------------------------


async def test_it_knows_what_its_route_captured() -> None:
    socket = make(Text, None, 1, room="x")
    assert socket.args == (1,)
    assert socket.kwargs == {"room": "x"}


async def test_it_knows_whether_and_why_the_connection_has_ended() -> None:
    connection = FakeConnection(is_open=True)
    socket = ready(connection)
    assert socket.is_open
    before = socket.close_code, socket.close_reason
    connection.disconnect(4000, "bye")
    assert not socket.is_open
    after = socket.close_code, socket.close_reason
    assert [before, after] == [(None, ""), (4000, "bye")]


async def test_a_hook_that_is_not_async_runs_in_a_thread() -> None:
    heard: list[Any] = []

    def hook(self: object, *args: object) -> None:
        heard.append(asyncio._get_running_loop())

    names = ("on_connect", "on_error", "on_task_error", "on_invalid")
    socket: Any = make(type("Plain", (WebSocket,), dict.fromkeys(names, hook)))
    for name, args in zip(names, [(), (ValueError(),), (ValueError(),), (ValueError(), "")], strict=True):
        await getattr(socket, name)(*args)
    assert heard == [None] * 4


# --- sending --------------------------------------------------------------------------------------


async def test_messages_go_out_in_order_of_call_however_they_are_awaited() -> None:
    connection = FakeConnection(is_open=True, end=None)
    socket = ready(connection)
    socket.send("1")
    assert await socket.send("2") is True
    connection.stall()
    socket.send("3")
    later = asyncio.ensure_future(socket.send("4"))
    both = asyncio.gather(socket.send("5"), socket.send("6"))
    socket.send("7")
    await turns()
    assert connection.sent == ["1", "2"]
    connection.resume()
    assert all(await both)
    assert await later is True
    assert await socket.send("8") is True
    assert connection.sent == list("12345678")


async def test_gathered_sends_keep_their_order_when_the_first_of_them_has_to_wait() -> None:
    connection = FakeConnection(is_open=True, end=None)
    socket = ready(connection)
    connection.stall()
    all_ = asyncio.gather(*[socket.send(str(number)) for number in range(20)])
    await turns()
    connection.resume()
    assert await all_ == [True] * 20
    assert connection.sent == [str(number) for number in range(20)]


async def test_an_awaited_send_to_a_client_that_reads_slowly_slows_its_sender() -> None:
    connection = FakeConnection(is_open=True, end=None)
    connection.stall()
    sending = asyncio.ensure_future(ready(connection).send("x"))
    await turns()
    assert not sending.done()
    connection.resume()
    assert await sending is True


async def test_after_the_end_a_send_answers_false_and_raises_nothing() -> None:
    connection = FakeConnection(is_open=True)
    connection.disconnect()
    assert await ready(connection).send("x") is False


async def test_before_the_handshake_is_accepted_a_send_is_a_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        make(Text).send("x")


@pytest.mark.parametrize(
    ("cls", "value", "error"),
    [(WebSocket, object(), TypeError), (WebSocket, float("nan"), ValueError), (Text, b"x", TypeError)],
)
async def test_what_cannot_be_encoded_raises_at_the_call(cls: type[Any], value: object, error: type[Exception]) -> None:
    connection = FakeConnection(is_open=True)
    with pytest.raises(error):
        ready(connection, cls).send(value)
    assert connection.sent == []


async def test_a_message_may_change_after_it_was_sent() -> None:
    connection = FakeConnection(is_open=True, end=None)
    connection.stall()
    socket = ready(connection, WebSocket)
    message = {"a": 1}
    socket.send({})
    socket.send(message)
    message["a"] = 2
    connection.resume()
    await until(lambda: len(connection.sent) == 2)
    assert connection.sent[1] == '{"a":1}'


async def test_nothing_has_been_dropped_at_first() -> None:
    assert ready().dropped_messages == 0


# --- receiving ------------------------------------------------------------------------------------


async def test_messages_are_received_one_by_one_or_by_a_loop() -> None:
    socket = ready(FakeConnection(["a", "b", "c"], is_open=True))
    assert await socket.receive() == "a"
    assert [message async for message in socket] == ["b", "c"]
    with pytest.raises(ConnectionClosed):
        await socket.receive()


async def test_json_is_decoded() -> None:
    connection = FakeConnection(['{"a": [1, null]}'], is_open=True)
    message: JSON = await ready(connection, WebSocket).receive()
    assert message == {"a": [1, None]}


async def refused(cls: type[Any], data: Data, caplog: pytest.LogCaptureFixture) -> tuple[int | None, list[str]]:
    connection = FakeConnection([data], is_open=True, end=None)
    with pytest.raises(ConnectionClosed):
        await ready(connection, cls).receive()
    return connection.close_code, messages(caplog)


async def test_what_is_no_json_closes_with_1007_and_one_line_without_payload(caplog: pytest.LogCaptureFixture) -> None:
    code, logged = await refused(WebSocket, '{"password": hunter2}', caplog)
    assert code == 1007
    assert len(logged) == 1
    assert "WebSocket: a message was refused (1007)" in logged[0]
    assert "hunter2" not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("cls", "data"), [(Text, b"x"), (Bytes, "x"), (WebSocket, b"{}")])
async def test_the_other_kind_of_frame_closes_with_1003(
    cls: type[Any], data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    code, logged = await refused(cls, data, caplog)
    assert code == 1003
    assert len(logged) == 1


@pytest.mark.parametrize("data", ["123456789", "ääääa", b"123456789"])
async def test_a_message_over_the_limit_closes_with_1009_before_it_is_decoded(
    data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    code, logged = await refused(Small, data, caplog)
    assert code == 1009
    assert "a message of 9 bytes came, over the limit of 8" in logged[0]


@pytest.mark.parametrize("data", ["", "ab", "abc", "12345678", "ääää"])
async def test_a_message_up_to_the_limit_in_bytes_of_utf_8_is_taken(data: str) -> None:
    assert await ready(FakeConnection([data], is_open=True), Small).receive() == data


async def test_on_invalid_may_answer_and_keep_the_connection() -> None:
    class Patient(WebSocket[JSON, JSON]):
        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None:
            self.send({"code": int(error.code), "length": len(message)})

    connection = FakeConnection(["nonsense", "[1]"], is_open=True, end=None)
    assert await ready(connection, Patient).receive() == [1]
    assert connection.sent == ['{"code":1007,"length":8}']


# --- closing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1010, 1015, 2000, 5000])
async def test_a_code_that_may_not_be_on_the_wire_is_refused(code: int) -> None:
    connection = FakeConnection(is_open=True)
    with pytest.raises(ValueError, match=f"{code} may not stand in a close frame"):
        await ready(connection).close(code)
    assert connection.is_open


async def test_a_second_close_does_nothing() -> None:
    connection = FakeConnection(is_open=True, end=None)
    socket = ready(connection)
    await socket.close(4000, "first")
    await socket.close(4001, "second")
    assert (socket.close_code, socket.close_reason) == (4000, "first")


# --- tasks ----------------------------------------------------------------------------------------


async def test_a_task_is_started_replaced_and_cancelled_by_its_id() -> None:
    socket = ready()
    told: list[str] = []

    async def work(name: str, *, suffix: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            told.append(f"{name}{suffix} {error}")
            raise

    first = socket.start_task("work", work, "a", suffix="!")
    await turns()
    second = socket.start_task("work", work, "b", suffix="?")
    await turns()
    assert socket.cancel_task("work") is True
    assert socket.cancel_task("work") is False
    await turns()
    assert first.cancelled()
    assert second.cancelled()
    assert told == [f"a! {TASK_DUPLICATE_STARTED}", f"b? {TASK_CANCELLED}"]


async def test_without_any_task_there_is_none_to_cancel() -> None:
    assert ready().cancel_task("work") is False


async def test_a_loop_waits_calls_and_waits_again() -> None:
    socket = ready()
    loop = asyncio.get_running_loop()
    began = loop.time()
    calls: list[float] = []

    async def call(one: int, *, two: int) -> None:
        assert (one, two) == (1, 2)
        calls.append(loop.time())

    task = socket.start_task("loop", socket.sleep_loop, call, 0.01, 1, two=2)
    await turns()
    assert calls == []
    while len(calls) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    assert calls[0] - began >= 0.009
    assert calls[1] - calls[0] >= 0.009


async def test_a_loop_survives_a_call_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    class Telling(Text):
        @override
        async def on_task_error(self, error: Exception) -> None:
            told.append(str(error))

    socket = ready(cls=Telling)
    told: list[str] = []
    calls: list[int] = []
    enough = asyncio.Event()

    async def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()
        raise ValueError("no")

    task = socket.start_task("loop", socket.sleep_loop, call, 0.001)
    await enough.wait()
    task.cancel()
    await turns()
    assert told == ["no"] * 3
    assert messages(caplog) == ["Telling: a background task failed"] * 3


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_a_loop_must_rest_between_its_calls(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be over 0"):
        await ready().sleep_loop(asyncio.sleep, seconds, 0)


async def test_a_ping_says_the_time_after_each_interval() -> None:
    class Pinging(Text):
        ping_interval = 0.001

    connection = FakeConnection(is_open=True, end=None)
    socket = ready(connection, Pinging)
    task = socket.start_ping()
    assert f"{type(socket).__qualname__}:{PING_TASK}" in {task.get_name() for task in asyncio.all_tasks()}
    while len(connection.sent) < 2:
        await asyncio.sleep(0.001)
    task.cancel()
    message = json.loads(connection.sent[0])
    assert list(message) == ["ping"]
    assert datetime.fromisoformat(message["ping"]).tzinfo is not None


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_pings_must_have_a_rest_between_them(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    class Pinging(Text):
        ping_interval = seconds

    with pytest.raises(ValueError, match=r"Pinging\.ping_interval is .*, but must be over 0"):
        await ready(cls=Pinging).start_ping()


async def test_a_ping_before_the_handshake_is_answered_is_told_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Pinging(Text):
        ping_interval = 0.001

    connection = FakeConnection(end=None)
    task = ready(connection, Pinging).start_ping()
    while not caplog.records:
        await asyncio.sleep(0.001)
    await connection.accept()
    while not connection.sent:
        await asyncio.sleep(0.001)
    task.cancel()


async def test_the_hooks_for_faults_do_nothing_by_themselves() -> None:
    socket = ready()
    await socket.on_error(ValueError())
    await socket.on_task_error(ValueError())


async def test_a_function_waits_for_a_message_over_the_limit() -> None:
    class Rated(WebSocket[str, str]):
        messages_per_second = 0.001
        messages_burst = 8

    connection = FakeConnection(list("abcdefghijk"), is_open=True)
    socket = make(Rated, connection)
    assert [await socket.receive() for _ in range(8)] == list("abcdefgh")
    waiting = asyncio.ensure_future(socket.receive())
    await until(refusals)
    await turns()
    assert not waiting.done()
    assert socket.ws_received == 9
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("attributes", "message", "limit"),
    [
        ({"max_message_size": 4}, "[1, 2, 3]", Limit.MESSAGE_SIZE),
        ({"codec": JSONCodec(max_depth=2)}, "[[[1]]]", Limit.MESSAGE_DEPTH),
    ],
)
async def test_what_a_limit_refuses_is_counted_and_logged_once_a_minute(
    attributes: dict[str, object], message: str, limit: Limit, caplog: pytest.LogCaptureFixture
) -> None:
    class Patient(WebSocket):
        @override
        async def on_invalid(self, error: InvalidMessageError, message: Data) -> None: ...

    socket: Patient = make(type("Patient", (Patient,), attributes), FakeConnection([message] * 3, is_open=True))
    assert [received async for received in socket] == []
    assert refusals() == {limit: 3}
    (line,) = messages(caplog)
    assert line.startswith("Patient: a message was refused (")
    assert message not in line
