from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def room_page(request: HttpRequest, room: str) -> HttpResponse:
    return render(request, "chat/room.html", {"room": room})
