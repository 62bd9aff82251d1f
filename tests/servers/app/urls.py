"""The HTTP URLconf: one view, by which a test sees that the server is ready."""

import os

from django.http import HttpRequest, HttpResponse
from django.urls import path


async def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"ready {os.environ['JOURNAL']}")


urlpatterns = [path("ready/", ready)]
