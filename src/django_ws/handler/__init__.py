"""Layer 4: the socket itself, its hooks, its background tasks, its outbox and its codecs."""

from django_ws.codecs.choice import BytesCodec, TextCodec
from django_ws.codecs.json import JSON, JSONCodec, JSONEncodable
from django_ws.codecs.validation import Detail, MessageValidationError
from django_ws.handler.function_sockets import SocketFunction, SocketGenerator
from django_ws.handler.functions import as_factory
from django_ws.handler.handler import WebSocketHandler
from django_ws.handler.outbox import Overflow
from django_ws.handler.rate import Flood
from django_ws.handler.sync_handler import SyncWebSocketHandler
from django_ws.handler.tasks import TASK_CANCELLED, TASK_DUPLICATE_STARTED, TASK_WS_CLOSED, TaskGroup
from django_ws.handler.views import SocketView
from django_ws.handler.websocket import PING_TASK, WebSocket

__all__ = [
    "JSON",
    "PING_TASK",
    "TASK_CANCELLED",
    "TASK_DUPLICATE_STARTED",
    "TASK_WS_CLOSED",
    "BytesCodec",
    "Detail",
    "Flood",
    "JSONCodec",
    "JSONEncodable",
    "MessageValidationError",
    "Overflow",
    "SocketFunction",
    "SocketGenerator",
    "SocketView",
    "SyncWebSocketHandler",
    "TaskGroup",
    "TextCodec",
    "WebSocket",
    "WebSocketHandler",
    "as_factory",
]
