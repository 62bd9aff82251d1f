from django_ws.urls import path

from .ws import Room

urlpatterns = [
    path("rooms/<slug:room>/", Room, name="room"),
]
