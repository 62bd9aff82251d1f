from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from .messages import Said
from .topics import RoomTopic


@login_required
def room_page(request: HttpRequest, room: str) -> HttpResponse:
    return render(request, "chat/room.html", {"room": room})


@require_POST
@staff_member_required
def announce(request: HttpRequest, room: str) -> HttpResponse:
    RoomTopic(room=room).publish_on_commit(Said("the staff", request.POST["text"]))
    return HttpResponse(status=204)
