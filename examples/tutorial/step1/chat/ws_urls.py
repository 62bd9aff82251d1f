from django_ws.urls import path

from .ws import echo

urlpatterns = [
    path("echo/", echo, name="echo"),
]
