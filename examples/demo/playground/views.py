import inspect
import json
from collections.abc import Callable
from textwrap import dedent

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from playground.ws import Members, Patient, Playground, Strict, countdown


def source(*things: Callable[..., object]) -> str:
    """Give the code that the page shows: always the code that runs."""
    return "\n".join(dedent(inspect.getsource(thing)) for thing in things)


WS_MIDDLEWARE = f"# settings.py\nWS_MIDDLEWARE = {json.dumps(settings.WS_MIDDLEWARE)}\n\n# ws.py\n"

CODE = {
    "echo": source(Playground.echo),
    "weather": source(Playground.weather, Playground.report),
    "ping": source(Playground.on_open),
    "user": WS_MIDDLEWARE + source(Playground.whoami),
    "members": source(Members),
    "flood": source(Patient, Strict),
    "close": source(Playground.on_message),
    "countdown": source(countdown),
}


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "playground/index.html", {"form": AuthenticationForm(request), "code": CODE})


class PlaygroundLoginView(LoginView):
    """Shows a failed login on the same page, for browsers without JavaScript."""

    template_name = "playground/index.html"
    extra_context = {"code": CODE}
