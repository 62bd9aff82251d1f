from collections.abc import Iterator

import pytest

for needed in ("psutil", "rich", "picows", "uvicorn", "uvloop", "msgspec"):
    pytest.importorskip(needed, reason="the benchmarks' group is not installed")

from benchmarks.apps import PATHS
from benchmarks.implementations import IMPLEMENTATIONS, Implementation, implementation
from benchmarks.in_process import check_work
from benchmarks.measures import MESSAGE
from benchmarks.processes import Server, Worker, WorkerError, application_worker, client_worker


def _installed() -> Iterator[object]:
    for one in IMPLEMENTATIONS:
        missing = pytest.mark.skipif(not one.is_installed, reason=f"{one.title} is not installed; make bench does it")
        yield pytest.param(one, id=one.name, marks=missing)


INSTALLED = list(_installed())


@pytest.mark.parametrize("measured", INSTALLED)
def test_each_implementation_does_the_work_in_process(measured: Implementation) -> None:
    with application_worker(measured) as worker:
        check_work(worker, measured.kinds)
        assert worker.ask("message", kind="json", text=MESSAGE, seconds=0.001) > 0
        assert worker.ask("message", kind="json", text=MESSAGE, seconds=0.001, waiting=True) > 0
        assert worker.ask("connection", kind="json", text=MESSAGE, seconds=0.001) > 0
        assert worker.ask("heap", kind="json", count=20) > 0


@pytest.mark.parametrize("name", ["ceiling", "django-ws"])
def test_those_with_middleware_do_the_work_inside_it(name: str) -> None:
    measured = next(one for one in IMPLEMENTATIONS if one.name == name)
    with application_worker(measured) as worker:
        assert worker.ask("connection", kind="json", text=MESSAGE, seconds=0.001, middleware=2) > 0


@pytest.mark.parametrize("stack", ["startproject", "async"])
def test_a_connection_of_ours_goes_through_djangos_middleware(stack: str) -> None:
    with application_worker(implementation("django-ws")) as worker:
        assert worker.ask("echo", kind="text", text=MESSAGE, stack=stack) == [MESSAGE] * 3
        assert worker.ask("connection", kind="text", text=MESSAGE, seconds=0.001, stack=stack) > 0


@pytest.mark.server
@pytest.mark.parametrize("measured", INSTALLED)
def test_each_implementation_answers_the_client_over_uvicorn(measured: Implementation) -> None:
    with Server(measured) as server, client_worker() as client:
        for kind in sorted(measured.kinds - {"ping", "fanout", "burst"}):  # these do not answer
            assert client.ask("open", name=kind, port=server.port, path=PATHS[kind], count=3) == 3
            found = client.ask("echo", name=kind, text=MESSAGE, in_flight=2, seconds=0.1)
            assert found["total"] >= 6
            client.ask("close", name=kind)
        assert (
            client.ask("churn", port=server.port, path=PATHS["json"], text=MESSAGE, at_once=2, seconds=0.1)["rate"] > 0
        )
        assert server.cpu() > 0
        assert server.rss() > 0


def test_an_error_in_a_worker_comes_with_its_traceback() -> None:
    with Worker("application", "ceiling") as worker, pytest.raises(WorkerError, match="KeyError"):
        worker.ask("message", kind="nothing", text="", seconds=0.001)
