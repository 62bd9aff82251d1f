"""The sockets of django-ws."""

from django_ws.urls import path
from interop.mysite.sockets import Asked, Denied, Members, Room
from interop.mysite.spans import Spans

urlpatterns = [
    path("asked/", Asked),
    path("denied/", Denied),
    path("members/", Members),
    path("room/", Room),
    path("spans/<int:number>/", Spans, name="spans"),
]
