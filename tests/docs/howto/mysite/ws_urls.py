from django_ws.urls import include, path

from . import sockets

urlpatterns = [
    path("ws/who/", sockets.who),
    path("", include("howto.ws_urls")),
]
