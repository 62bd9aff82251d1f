"""OpenTelemetry's ASGI middleware around the application. Sentry's is in tests/test_asgi_middleware.py."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest

for needed in ("channels", "rest_framework", "ninja", "fastapi", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(needed, reason="a package of the test group is not installed")

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typing_extensions import override

from django_ws import get_websocket_application
from django_ws.application import WebSocketApplication
from django_ws.signals import websocket_denied
from django_ws.testing import Peer, websocket_scope
from interop.conftest import Load
from interop.mysite.spans import note_status
from interop.support import ask, denied

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Living(SpanProcessor):
    """Knows which spans are in memory, and holds none of them."""

    def __init__(self) -> None:
        self.started = 0
        self.spans: WeakSet[Span] = WeakSet()

    @override
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.started += 1
        self.spans.add(span)


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    yield provider
    provider.shutdown()


@pytest.fixture
def exported(provider: TracerProvider) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def application(project: None) -> WebSocketApplication:
    return get_websocket_application()


@pytest.fixture(autouse=True)
def no_receiver_stays() -> Iterator[None]:
    yield
    websocket_denied.disconnect(note_status)


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """OpenTelemetry logs what it cannot do, such as to leave a context in another task than it was entered in."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.message for record in caplog.records if record.name.startswith("opentelemetry")] == []


def one(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


async def test_a_websocket_is_one_span_in_the_callers_trace(
    load: Load, provider: TracerProvider, exported: InMemorySpanExporter
) -> None:
    application = load("asgi_opentelemetry").traced(provider)
    scope = websocket_scope("/asked/", headers=[("traceparent", f"00-{TRACE}-{PARENT}-01")])
    assert await ask(application, "hello", scope) == "hello"
    span = one(exported)
    assert (span.kind, span.name, span.status.is_ok) == (trace.SpanKind.SERVER, "/asked/", True)
    assert span.context is not None
    assert span.parent is not None
    assert trace.format_trace_id(span.context.trace_id) == TRACE
    assert trace.format_span_id(span.parent.span_id) == PARENT


async def test_unless_they_are_excluded_each_event_is_a_span(
    application: WebSocketApplication, provider: TracerProvider, exported: InMemorySpanExporter
) -> None:
    wrapped = OpenTelemetryMiddleware(application, tracer_provider=provider)
    async with Peer(wrapped, websocket_scope("/asked/")) as peer:
        assert await peer.connect()
        for _ in range(3):
            peer.text("hello")
            assert await peer.receive() == "hello"
    names = Counter(span.name for span in exported.get_finished_spans())
    # connect, three messages, disconnect; accept, three messages.
    assert names == {
        "HTTP /asked/": 1,
        "HTTP /asked/ websocket receive": 5,
        "HTTP /asked/ websocket send": 4,
    }


# connect, a hundred messages, disconnect; accept, a hundred messages; the websocket's own.
@pytest.mark.parametrize(("excluded", "started"), [(None, 204), (["receive"], 102), (["receive", "send"], 1)])
# OpenTelemetry: a list of literals.
async def test_no_span_is_held_while_the_socket_lives_on(
    application: WebSocketApplication, provider: TracerProvider, excluded: Any, started: int
) -> None:
    living = Living()
    provider.add_span_processor(living)
    wrapped = OpenTelemetryMiddleware(application, tracer_provider=provider, exclude_spans=excluded)
    async with Peer(wrapped, websocket_scope("/asked/")) as peer:
        assert await peer.connect()
        for _ in range(100):
            peer.text("hello")
            assert await peer.receive() == "hello"
        gc.collect()
        # The websocket's own, that of the receive that waits, and that of the last send.
        assert 1 <= len(living.spans) <= 3
    assert living.started == started


async def test_the_spans_of_hooks_are_within_that_of_the_websocket(
    load: Load, provider: TracerProvider, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = load("asgi_opentelemetry").traced(provider)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert await ask(application, "hello", websocket_scope("/spans/7/")) == "hello"
    work, websocket = exported.get_finished_spans()
    assert websocket.context is not None
    assert work.parent is not None
    assert (work.name, websocket.name) == ("work", "/spans/<int:number>/")
    assert work.parent.span_id == websocket.context.span_id


async def test_a_denial_passes_as_it_is_and_its_status_is_on_the_span(
    load: Load, provider: TracerProvider, exported: InMemorySpanExporter
) -> None:
    module = load("asgi_opentelemetry")
    traced = module.traced(provider)
    for path, status in (("/denied/", 402), ("/nowhere/", 404), ("/members/", 401)):
        peer = await denied(traced, websocket_scope(path))
        bare = await denied(module.sockets, websocket_scope(path))
        assert peer.denied_status == bare.denied_status == status
        assert (peer.denied_headers, peer.denied_body) == (bare.denied_headers, bare.denied_body)
        attributes = exported.get_finished_spans()[-1].attributes
        assert attributes is not None
        assert attributes["http.response.status_code"] == status
    peer = await denied(traced, websocket_scope("/denied/", denial_response=False))
    assert peer.denied_status == 403


async def test_what_we_send_with_the_accept_passes_as_it_is(load: Load, provider: TracerProvider) -> None:
    async with Peer(load("asgi_opentelemetry").traced(provider), websocket_scope("/asked/")) as peer:
        assert await peer.connect()
    assert peer.accepted_headers == [(b"x-own", b"yes")]
