"""The websocket URLconf."""

from django_ws.urls import path
from servers.app import handlers

urlpatterns = [
    path("echo/text/", handlers.EchoText),
    path("echo/bytes/", handlers.EchoBytes),
    path("echo/json/", handlers.EchoJSON),
    path("small/text/", handlers.SmallText),
    path("small/bytes/", handlers.SmallBytes),
    path("small/json/", handlers.SmallJSON),
    path("busy/", handlers.Busy),
    path("function/", handlers.function),
    path("mixed/", handlers.Mixed),
    path("timeout/mixed/", handlers.Mixed),
    path("hasty/mixed/", handlers.Mixed),
    path("contextvar/mixed/", handlers.Mixed),
    path("closing/", handlers.Closing),
    path("closing-task/", handlers.ClosingTask),
    path("closing-late/", handlers.ClosingLate),
    path("waiting/<slug:hook>/", handlers.Waiting),
    path("impatient/<slug:hook>/", handlers.Impatient),
    path("faulty/<slug:hook>/", handlers.Faulty),
    path("door/<slug:way>/", handlers.EchoText),
    path("gate/<slug:way>/", handlers.EchoText),
    path("denying/<slug:way>/", handlers.Denying),
    path("subprotocols/", handlers.Subprotocols),
    path("headers/", handlers.AcceptHeaders),
    path("flood/close/", handlers.Flood),
    path("flood/oldest/", handlers.FloodOldest),
    path("flood/newest/", handlers.FloodNewest),
    path("throttled/", handlers.Throttled),
    path("floodable/", handlers.Floodable),
    path("idle/", handlers.Idle),
    path("denying-by-close/<slug:way>/", handlers.DenyingByClose),
    path("members/", handlers.Members),
    path("members-by-close/", handlers.MembersByClose),
]
