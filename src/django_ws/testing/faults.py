"""How a websocket of a test fails: the errors of the client, and the faults of the application behind it.

The application logs each fault and closes with 1011. Its record has the exception, and the context variable of the
task that it is logged in tells whose websocket it was: so a fault is found without a change to the application, and
among many websockets at once.
"""

import logging
from contextvars import ContextVar
from typing import Final, final

from typing_extensions import override

from django_ws.close_codes import CloseCode

__all__ = ["SocketFaultError", "SocketStateError", "SocketTimeoutError", "fault_of", "follow_faults"]

logger: Final = logging.getLogger("django_ws")

_SERVER_ERROR: Final = 500


class SocketTimeoutError(AssertionError, TimeoutError):
    """A test has waited in vain; the message says for what, what came, and what runs."""


class SocketStateError(AssertionError):
    """A test has used a websocket that was refused, is closed, or has not been entered."""


class SocketFaultError(AssertionError):
    """The application has failed, and there is no exception of it that could be raised in the test."""


_faults: Final[ContextVar["list[BaseException] | None"]] = ContextVar("django_ws.testing", default=None)


@final
class _FaultFilter(logging.Filter):
    """Notes each exception that is logged on behalf of a test's websocket; hides nothing."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        faults = _faults.get()
        error = None if record.exc_info is None else record.exc_info[1]
        if faults is not None and error is not None and not any(error is known for known in faults):
            # What the hooks of the clean-up fail with is logged before the fault that led there, and counts less.
            faults.insert(0 if record.module == "endings" else len(faults), error)
        return True


_filter: Final = _FaultFilter()


def follow_faults(faults: list[BaseException], /) -> None:
    """Put into ``faults`` what is logged with an exception in this task and in those that it starts."""
    # The first: what a filter of the project's leaves out has happened all the same.
    if logger.filters[:1] != [_filter]:
        logger.removeFilter(_filter)
        logger.filters.insert(0, _filter)
    _faults.set(faults)


def fault_of(faults: list[BaseException], code: int | None, /) -> Exception | None:
    """Give what a websocket has failed with, to be raised in the test; ``None`` where it has not.

    Args:
        faults: What was logged.
        code: What the websocket has ended with: the status of a denial, or the close code.
    """
    if not faults:
        if code in {_SERVER_ERROR, CloseCode.INTERNAL_ERROR} and not logger.isEnabledFor(logging.ERROR):
            return SocketFaultError(
                f"the websocket ended with {code}. What has failed is not known, because the logger 'django_ws' "
                "is off: let it log errors in this test, or say connect(..., raise_faults=False)"
            )
        return None
    first = faults[0]
    if not isinstance(first, Exception):
        # To raise a cancellation would cancel the test.
        failure = SocketFaultError(f"the application ended with {first!r}")
        failure.__context__ = first
        return failure
    for other in faults[1:]:
        first.add_note(f"Then this failed in the same websocket: {other!r}")
    return first
