from django_ws.urls import include, path

from . import sockets

urlpatterns = [
    path("ws/who/", sockets.who),
    path("ws/talk/", sockets.Talk),
    path("ws/strict/", sockets.Strict),
    path("ws/binary/", sockets.Binary),
    path("ws/moderators/", sockets.moderators),
    path("ws/listening/", sockets.Listening),
    path("ws/slow/", sockets.Slow),
    path("ws/faulty/", sockets.Faulty),
    path("", include("howto.ws_urls")),
]
