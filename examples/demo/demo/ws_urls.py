"""The websockets: routes as in urls.py."""

from django_ws.urls import path
from playground.chat import Chat
from playground.ws import Members, Patient, Playground, Strict, countdown

urlpatterns = [
    path("ws/playground/", Playground),
    path("ws/rooms/<slug:room>/", Chat),
    path("ws/members/", Members),
    path("ws/patient/", Patient),
    path("ws/strict/", Strict),
    path("ws/countdown/<int:start>/", countdown),
]
