"""Messages to frames and back: JSON, text, bytes, and declared types by msgspec or pydantic.

Shared by handlers and topics: what a socket sends and what is published are written by the same codecs.
"""

from django_ws.codecs.choice import BytesCodec, TextCodec
from django_ws.codecs.json import JSON, JSONCodec, JSONEncodable

__all__ = ["JSON", "BytesCodec", "JSONCodec", "JSONEncodable", "TextCodec"]
