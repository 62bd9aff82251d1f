"""testing/faults.py"""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from typing_extensions import override

from django_ws import WebSocketHandler
from django_ws.testing import SocketFaultError, SocketTimeoutError, connect
from django_ws.testing.faults import fault_of, follow_faults

logger = logging.getLogger("django_ws")


@pytest.fixture
def silence() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


class FailingTwice(WebSocketHandler):
    @override
    async def on_open(self) -> None:
        raise LookupError("on_open")

    @override
    async def on_close(self) -> None:
        raise OSError("on_close")


async def failing(faults: list[BaseException], error: BaseException) -> None:
    follow_faults(faults)
    logger.error("first", exc_info=error)
    logger.error("the same", exc_info=error)
    logger.error("no exception")
    await asyncio.create_task(failing_task())


async def failing_task() -> None:
    logger.error("a task of it", exc_info=KeyError("task"))


async def test_what_is_logged_with_an_exception_is_noted_where_it_belongs() -> None:
    one: list[BaseException] = []
    other: list[BaseException] = []
    await asyncio.gather(failing(one, ValueError("one")), failing(other, ValueError("other")))
    assert list(map(repr, one)) == ["ValueError('one')", "KeyError('task')"]
    assert list(map(repr, other)) == ["ValueError('other')", "KeyError('task')"]
    logger.error("outside", exc_info=OSError())
    assert len(one) == len(other) == 2


async def test_the_fault_that_ends_a_socket_comes_first() -> None:
    with pytest.raises(LookupError) as caught:
        async with connect(FailingTwice) as ws:
            await ws.wait_closed()
    assert caught.value.__notes__ == ["Then this failed in the same websocket: OSError('on_close')"]


def test_the_first_fault_is_raised_and_names_the_others() -> None:
    first = ValueError("first")
    assert fault_of([first, KeyError("second")], 1011) is first
    assert first.__notes__ == ["Then this failed in the same websocket: KeyError('second')"]


def test_a_cancellation_is_not_raised_as_such() -> None:
    cancelled = asyncio.CancelledError()
    fault = fault_of([cancelled], 1011)
    assert isinstance(fault, SocketFaultError)
    assert fault.__context__ is cancelled


@pytest.mark.parametrize("code", [None, 1000, 403, 500, 1011])
def test_without_a_fault_there_is_none(code: int | None) -> None:
    assert fault_of([], code) is None


@pytest.mark.parametrize("code", [500, 1011])
def test_a_silent_logger_is_told(silence: None, code: int) -> None:
    assert "logger 'django_ws' is off" in str(fault_of([], code))
    assert fault_of([], 1000) is None


def test_a_timeout_is_a_failed_assertion_and_a_timeout() -> None:
    assert issubclass(SocketTimeoutError, AssertionError)
    assert issubclass(SocketTimeoutError, TimeoutError)


async def test_a_filter_of_the_projects_hides_no_fault() -> None:
    class Quiet(logging.Filter):
        @override
        def filter(self, record: logging.LogRecord) -> bool:
            return False

    quiet = Quiet()
    logger.filters.insert(0, quiet)
    try:
        with pytest.raises(LookupError):
            async with connect(FailingTwice) as ws:
                await ws.wait_closed()
    finally:
        logger.removeFilter(quiet)
