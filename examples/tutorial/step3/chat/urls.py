from django.urls import path

from .views import room_page

urlpatterns = [
    path("rooms/<slug:room>/", room_page, name="room"),
]
