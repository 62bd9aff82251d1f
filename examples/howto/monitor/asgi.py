import asyncio
import os
from typing import Any
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from django_ws import get_websocket_application
from django_ws.interfaces import ASGIReceive, ASGISend, Scope

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Each worker is an instance of its own: by one name, they would overwrite each other.
worker = {"service.name": "mysite", "service.instance.id": str(uuid4())}
reader = PeriodicExportingMetricReader(OTLPMetricExporter())
provider = MeterProvider([reader], Resource.create(worker))
set_meter_provider(provider)

sockets = get_websocket_application()


async def application(scope: Scope, receive: ASGIReceive, send: ASGISend) -> None:
    async def flush_first(message: Any) -> None:
        if message["type"] == "lifespan.shutdown.complete":
            # All sockets have ended. uvicorn dies of the signal, which runs no atexit.
            await asyncio.to_thread(provider.force_flush, 5_000)
        await send(message)

    await sockets(scope, receive, flush_first if scope["type"] == "lifespan" else send)
