"""The websockets: routes as in urls.py."""

from django_ws.urls import path
from playground.ws import Playground, countdown

urlpatterns = [
    path("ws/playground/", Playground),
    path("ws/countdown/<int:start>/", countdown),
]
