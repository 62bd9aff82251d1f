"""Names that the façade does not have: its lazy ``__getattr__`` is not to hide a misspelt one."""

import django_ws
from django_ws import WebsocketHandler  # E
from django_ws.handler import nothing  # E

django_ws.WebsocketHandler()  # E
django_ws.Connection()  # E
django_ws.get_application()  # E
django_ws.WebSocketHandler.hanndler()  # E
WebsocketHandler(nothing)
