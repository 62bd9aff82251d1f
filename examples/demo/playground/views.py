import inspect
from collections.abc import Callable
from textwrap import dedent

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from playground.middleware import SessionUserMiddleware
from playground.ws import Playground, countdown


def source(*things: Callable[..., object]) -> str:
    """Give the code that the page shows: always the code that runs."""
    return "\n".join(dedent(inspect.getsource(thing)) for thing in things)


CODE = {
    "echo": source(Playground.echo),
    "weather": source(Playground.weather, Playground.report),
    "ping": source(Playground.on_open),
    "user": source(SessionUserMiddleware.__call__, Playground.whoami),
    "close": source(Playground.on_message),
    "countdown": source(countdown),
}


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "playground/index.html", {"form": AuthenticationForm(request), "code": CODE})


class PlaygroundLoginView(LoginView):
    """Shows a failed login on the same page, for browsers without JavaScript."""

    template_name = "playground/index.html"
    extra_context = {"code": CODE}
