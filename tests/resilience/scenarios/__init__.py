"""The scenarios, by name. Each is a module here, with one coroutine function ``run``."""

import importlib
from collections.abc import Awaitable, Sequence
from typing import Final, Protocol, cast

from resilience.findings import Finding
from resilience.progress import Progress
from resilience.scale import Scale
from servers.habits import Habits

__all__ = ["FUZZ", "SOAK", "Scenario", "scenario"]


class Scenario(Protocol):
    """What a module's ``run`` is."""

    def __call__(self, scale: Scale, progress: Progress, servers: Sequence[Habits], /) -> Awaitable[list[Finding]]:
        """Do it and measure; a bound that is missed is a finding, not an exception."""
        ...


SOAK: Final = ("faults", "delivery", "slow_client", "slow_hook", "shutdown", "database", "multicore", "soak")
"""What ``make soak`` runs, in order."""

FUZZ: Final = ("bad_input",)
"""What ``make fuzz`` runs."""


def scenario(name: str) -> Scenario:
    """Give a scenario; it is imported now, so that one needs what it needs, and no other."""
    return cast(Scenario, importlib.import_module(f"resilience.scenarios.{name}").run)
