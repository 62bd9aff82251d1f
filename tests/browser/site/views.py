"""Its HTTP views."""

import os
import time
from types import SimpleNamespace
from unittest import mock

from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from django_ws.middleware import SignedTokenMiddleware, socket_token


@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Tell the tests that it is this server that answers."""
    return HttpResponse(f"ready {os.environ['JOURNAL']}")


@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    """Be a page on which scripts can run."""
    return HttpResponse("<!doctype html><title>A page</title>")


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Greet who is logged in, with a button to log out."""
    return render(request, "home.html")


@login_required
def ticket(request: HttpRequest) -> HttpResponse:
    """Hand out a token for a socket."""
    return _token(request)


@login_required
def late_ticket(request: HttpRequest) -> HttpResponse:
    """Hand out a token that was made a second too long ago."""
    made = time.time() - SignedTokenMiddleware.max_age.total_seconds() - 1
    with mock.patch("django.core.signing.time", SimpleNamespace(time=lambda: made)):
        return _token(request)


def cookies(request: HttpRequest) -> HttpResponse:
    """Tell which cookies came."""
    return JsonResponse(request.COOKIES)


def _token(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    return JsonResponse({"token": socket_token(request.user)}, headers={"Cache-Control": "no-store"})
