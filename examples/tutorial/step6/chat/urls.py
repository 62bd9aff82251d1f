from django.urls import path

from .views import announce, room_page

urlpatterns = [
    path("rooms/<slug:room>/", room_page, name="room"),
    path("rooms/<slug:room>/announce/", announce, name="announce"),
]
