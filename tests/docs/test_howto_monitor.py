"""What the guide "Monitor" sends, by two workers to a collector; and the alerts ask for what is sent."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint
from typing_extensions import override
from websockets.asyncio.client import ClientConnection, connect

from docs.howto_site import DEADLINE, EXAMPLES, Project, Running, shell_lines

ALERTS = EXAMPLES / "monitor" / "alerts.yml"
ROUTE = "ws/listening/"


class Collector(ThreadingHTTPServer):
    """Takes metrics by OTLP over HTTP, and keeps the last of each process."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.workers: dict[str, dict[tuple[str, str, str], float]] = {}
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(about["service.name"])
            found = self.workers.setdefault(about["service.instance.id"], {})
            for metric in resource.scope_metrics[0].metrics:
                points = metric.histogram.data_points or metric.sum.data_points
                for point in points:
                    labels = {each.key: each.value.string_value for each in point.attributes}
                    code = labels.get("websocket.close.code", "")
                    number = point.count if isinstance(point, HistogramDataPoint) else point.as_int
                    found[metric.name, labels.get("http.route", ""), code] = number

    def total(self, metric: str) -> float:
        return sum(
            number
            for worker in list(self.workers.values())
            for (name, route, _), number in list(worker.items())
            if (name, route) == (f"websocket.server.{metric}", ROUTE)
        )


class Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        self.server.take(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(done: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def make_project(folder: Path, collector: Collector) -> Project:
    project = Project(folder)
    with (folder / "mysite" / "settings.py").open("a", encoding="utf-8") as file:
        file.write('\nINSTALLED_APPS.append("howto.monitor")\n')
    project.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "NO_PROXY": "127.0.0.1",
    }
    return project


def open_socket(server: Running) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/{ROUTE}", open_timeout=DEADLINE, proxy=None)


@pytest.mark.server
@pytest.mark.timeout(120)
@pytest.mark.xdist_group("howto-servers")
async def test_the_numbers_of_two_workers_add_up(tmp_path: Path, collector: Collector) -> None:
    (line,) = [line for line in shell_lines("uvicorn ") if "--workers 2" in line]
    line = line.replace("mysite.asgi:", "howto.monitor.asgi:")
    with make_project(tmp_path, collector).serve(line) as server:
        workers: set[str] = set()
        kept: list[ClientConnection] = []
        # The system gives a connection to whichever worker takes it first.
        while len(workers) < 2:
            assert len(kept) < 200
            kept.append(ws := await open_socket(server))
            workers.add(str(await ws.recv()))
        until(lambda: collector.total("active_connections") == len(kept), lambda: (collector.workers, server.output))
        for ws in kept:
            await ws.close()
        until(lambda: collector.total("active_connections") == 0, lambda: (collector.workers, server.output))
        until(lambda: collector.total("closed_connections") == len(kept), lambda: collector.workers)
        assert collector.total("connection.duration") == len(kept)
    assert collector.services == {"mysite"}
    assert len(collector.workers) == 2


@pytest.mark.server
@pytest.mark.timeout(120)
@pytest.mark.xdist_group("howto-servers")
async def test_what_a_deploy_ends_is_sent_too(tmp_path: Path, collector: Collector) -> None:
    (line,) = [line for line in shell_lines("uvicorn ") if "--workers 2" in line]
    line = line.replace("mysite.asgi:", "howto.monitor.asgi:").replace("--workers 2", "")
    project = make_project(tmp_path, collector)
    project.environment["OTEL_METRIC_EXPORT_INTERVAL"] = "3600000"
    with project.serve(line) as server:
        ws = await open_socket(server)
        await ws.recv()
        server.terminate()
        await ws.wait_closed()
        assert ws.close_code == 1012
        until(lambda: collector.total("closed_connections") == 1, lambda: server.output)
        assert collector.total("active_connections") == 0


METRIC = re.compile(r"\bwebsocket_server_\w+")
LABEL = re.compile(r"\b(\w+)=~?\"|\bby \((\w+)\)")


def test_the_alerts_ask_for_what_is_sent() -> None:
    """Prometheus has its rules for names: https://prometheus.io/docs/guides/opentelemetry/."""
    source = (EXAMPLES / "monitor" / "metrics.py").read_text("utf-8")
    given = set()
    for kind, name, unit in re.findall(r"create_(\w+)\(\s*\"([\w.]+)\".*?\"(s|\{\w+\})\"", source, re.DOTALL):
        written = name.replace(".", "_") + ("_seconds" if unit == "s" else "")
        given |= {
            "up_down_counter": {written},
            "counter": {f"{written}_total"},
            "observable_counter": {f"{written}_total"},
            "histogram": {f"{written}_{part}" for part in ("bucket", "count", "sum")},
        }[kind]
    assert len(given) == 9
    asked = ALERTS.read_text("utf-8")
    assert set(METRIC.findall(asked)) <= given
    labels = {name for found in LABEL.findall(asked) for name in found if name} - {"le"}
    assert labels
    assert labels <= {name.replace(".", "_") for name in re.findall(r"\"(\w+(?:\.\w+)*)\": ", source)}


def test_prometheus_takes_the_alerts(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool")
    (tmp_path / "test.yml").write_text(FIRING.format(rules=ALERTS), "utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


FIRING = """
rule_files: ["{rules}"]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: websocket_server_closed_connections_total{{http_route="a/",websocket_close_code="1011"}}
        values: 0+5x60
      - series: websocket_server_closed_connections_total{{http_route="a/",websocket_close_code="1000"}}
        values: 0+50x60
      - series: websocket_server_denied_handshakes_total{{http_route="a/",http_response_status_code="503"}}
        values: 0+5x60
      - series: websocket_server_denied_handshakes_total{{http_route="",http_response_status_code="429"}}
        values: 0+100x60
      - series: websocket_server_active_connections{{http_route="a/"}}
        values: 100x50 10x10
      - series: websocket_server_connection_duration_seconds_bucket{{http_route="a/",le="10.0"}}
        values: 0+8x60
      - series: websocket_server_connection_duration_seconds_count{{http_route="a/"}}
        values: 0+10x60
      - series: websocket_server_limit_hits_total{{limit="WS_OUTBOX_MESSAGES"}}
        values: 0+100x60
      - series: websocket_server_lost_brokers{{broker="default"}}
        values: 0x50 2x10
    alert_rule_test:
      - {{eval_time: 54m, alertname: WebsocketFaults, exp_alerts: [{{exp_labels: {{http_route: a/}}}}]}}
      - {{eval_time: 54m, alertname: WebsocketHandshakesFail, exp_alerts: [{{exp_labels: {{http_route: a/}}}}]}}
      - {{eval_time: 54m, alertname: WebsocketsRefusedForLimits, exp_alerts: [{{exp_labels: {{}}}}]}}
      - {{eval_time: 54m, alertname: WebsocketsLost, exp_alerts: [{{exp_labels: {{}}}}]}}
      - {{eval_time: 49m, alertname: WebsocketsLost, exp_alerts: []}}
      - {{eval_time: 54m, alertname: WebsocketsComeAndGo, exp_alerts: [{{exp_labels: {{http_route: a/}}}}]}}
      - {{eval_time: 54m, alertname: WebsocketClientsTooSlow, exp_alerts: [{{exp_labels: {{}}}}]}}
      - {{eval_time: 49m, alertname: WebsocketBrokerLost, exp_alerts: []}}
      - {{eval_time: 54m, alertname: WebsocketBrokerLost, exp_alerts: [{{exp_labels: {{broker: default}}}}]}}
"""
