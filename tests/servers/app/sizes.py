"""Sizes that the sockets and the tests share; here, so that a test need not import the project."""

from typing import Final

FLOOD: Final = 200
"""Messages of a flood."""
FLOOD_SIZE: Final = 1 << 16
"""Bytes of the filler of one."""
FLOOD_WAITING: Final = 15
"""Of those may wait to be sent, by the default of WS_OUTBOX_BYTES."""
