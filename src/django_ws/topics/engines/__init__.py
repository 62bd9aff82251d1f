"""The engines that carry events between processes; each is a :class:`~django_ws.interfaces.Broker`.

An engine is named by ``BACKEND`` in ``WS_BROKERS``. None is imported before it is named: the libraries are extras.
"""

from typing import Final

__all__: Final[list[str]] = []
