"""The sizes of all scenarios: the full run, the quick one, and what the tests do."""

import os
from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "TEST", "Scale", "scale_of_environment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of everything."""

    name: str
    seed: int = 20
    """Of every generator; it is printed with the results."""
    servers_at_once: int = 1
    """In faults and shutdown: how many servers are looked at side by side."""

    faults_per_server: int
    """Injected, over each server."""
    faults_at_once: int = 40
    """Sockets that fail side by side."""

    fuzzed_messages: int
    """In-process, by the seeded mutator and by Hypothesis together."""
    hypothesis_messages: int
    """How many of these Hypothesis makes; they cost more."""
    atheris_seconds: float
    """Of a coverage-guided run, where atheris is installed; 0: none."""
    fuzzed_per_server: int
    """Frames and handshakes over each server."""

    delivery_sockets: int
    """Over uvicorn."""
    delivery_sockets_elsewhere: int
    """Over each of the other servers."""
    delivery_messages: int = 100
    """To each socket, numbered."""

    slow_echoes: int = 50
    """Sockets that echo beside the client that stops reading."""
    slow_seconds: float
    """How long they echo without it, and again with it."""
    slow_hook_seconds: float
    """How long a hook awaits."""
    slow_hook_flood: int
    """Messages of the client that floods a socket whose hook is slow."""

    shutdown_sockets: int
    """Open at SIGTERM."""

    soak_seconds: float
    soak_settle_seconds: float
    """Memory is compared from here on."""
    soak_sockets: int = 100
    soak_share: float = 0.01
    """Of the sockets, how many leave and are replaced each second; and again, how many fail."""

    database_sockets: int
    """That all use the ORM at once."""
    database_queries: int
    """Of each socket."""

    multicore_workers: int = 2
    multicore_faults: int
    multicore_sockets: int
    multicore_messages: int = 100


FULL: Final = Scale(
    name="full",
    servers_at_once=2,
    faults_per_server=1_700,
    fuzzed_messages=1_000_000,
    hypothesis_messages=50_000,
    atheris_seconds=60,
    fuzzed_per_server=10_000,
    delivery_sockets=10_000,
    delivery_sockets_elsewhere=1_000,
    slow_seconds=20,
    slow_hook_seconds=120,
    slow_hook_flood=20_000,
    shutdown_sockets=1_000,
    soak_seconds=600,
    soak_settle_seconds=120,
    database_sockets=1_000,
    database_queries=10,
    multicore_faults=1_000,
    multicore_sockets=1_000,
)
"""The sizes that the claims are about; half an hour."""

QUICK: Final = Scale(
    name="quick",
    servers_at_once=6,
    faults_per_server=100,
    fuzzed_messages=20_000,
    hypothesis_messages=1_000,
    atheris_seconds=5,
    fuzzed_per_server=300,
    delivery_sockets=300,
    delivery_sockets_elsewhere=50,
    slow_seconds=3,
    slow_hook_seconds=3,
    slow_hook_flood=2_000,
    shutdown_sockets=100,
    soak_seconds=8,
    soak_settle_seconds=3,
    database_sockets=100,
    database_queries=3,
    multicore_faults=100,
    multicore_sockets=50,
)
"""The same, in under two minutes."""

TEST: Final = Scale(
    name="test",
    faults_per_server=600,
    fuzzed_messages=5_000,
    hypothesis_messages=500,
    atheris_seconds=0,
    fuzzed_per_server=200,
    delivery_sockets=100,
    delivery_sockets_elsewhere=30,
    slow_echoes=5,
    slow_seconds=1,
    slow_hook_seconds=2,
    slow_hook_flood=1_000,
    shutdown_sockets=50,
    soak_seconds=5,
    soak_settle_seconds=2,
    soak_sockets=20,
    soak_share=0.1,
    database_sockets=50,
    database_queries=3,
    multicore_faults=60,
    multicore_sockets=20,
    multicore_messages=20,
)
"""What the tests do of it, for each server."""


def scale_of_environment() -> Scale:
    """Give the quick scale where ``QUICK=1`` stands in the environment, else the full one."""
    return QUICK if os.environ.get("QUICK", "0") not in {"", "0"} else FULL
