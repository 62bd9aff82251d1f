"""The HTTP URLconf: whether the server is ready, and what its process has counted."""

import os
from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from resilience.site.ledger import read


async def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"ready {os.environ['JOURNAL']}")


async def ledger(request: HttpRequest) -> HttpResponse:
    return JsonResponse(asdict(read()))


urlpatterns = [path("ready/", ready), path("ledger/", ledger)]
