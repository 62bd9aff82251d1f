import inspect
import json
import os
from collections.abc import Callable
from textwrap import dedent

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from django_ws import BrokerError
from playground.chat import AWAY, LONGEST, Chat, Joined, Left, Room, Said, name_of
from playground.ws import Members, Patient, Playground, Strict, countdown


class SayForm(forms.Form):
    text = forms.CharField(max_length=LONGEST)
    guest = forms.CharField(required=False)


@require_POST
def say(request: HttpRequest, room: str) -> HttpResponse:
    form = SayForm(request.POST)
    if not form.is_valid():
        why = "; ".join(f"{name}: {error}" for name, errors in form.errors.items() for error in errors)
        return HttpResponse(why, status=400, content_type="text/plain")
    who = name_of(request.user, form.cleaned_data["guest"])
    try:
        with transaction.atomic():
            # What a site saves, it saves here. The room hears of it when that is committed.
            Room(name=room).publish_on_commit(Said(who, form.cleaned_data["text"], os.getpid(), by="view"))
    except BrokerError:
        return HttpResponse(AWAY, status=503, content_type="text/plain")
    return HttpResponse(status=204)


def source(*things: Callable[..., object]) -> str:
    """Give the code that the page shows: always the code that runs."""
    return "\n".join(dedent(inspect.getsource(thing)) for thing in things)


WS_MIDDLEWARE = f"# settings.py\nWS_MIDDLEWARE = {json.dumps(settings.WS_MIDDLEWARE)}\n\n# ws.py\n"

CODE = {
    "chat": source(Said, Joined, Left, Room) + "\n# a socket\n" + source(Chat) + "\n# a view\n" + source(say),
    "echo": source(Playground.echo),
    "weather": source(Playground.weather, Playground.report),
    "ping": source(Playground.on_open),
    "user": WS_MIDDLEWARE + source(Playground.whoami),
    "members": source(Members),
    "flood": source(Patient, Strict),
    "close": source(Playground.on_message),
    "countdown": source(countdown),
}

EXTRA = {"code": CODE, "engine": settings.ENGINE}


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "playground/index.html", {"form": AuthenticationForm(request), **EXTRA})


class PlaygroundLoginView(LoginView):
    """Shows a failed login on the same page, for browsers without JavaScript."""

    template_name = "playground/index.html"
    extra_context = EXTRA
