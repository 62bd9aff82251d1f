from pathlib import Path

from django.http import HttpRequest, HttpResponse

DRAIN = Path("/run/mysite/drain")


async def live(request: HttpRequest) -> HttpResponse:
    """The event loop turns: nothing blocks it."""
    return HttpResponse("live")


def ready(request: HttpRequest) -> HttpResponse:
    """And sync code gets a thread to run in; nobody has told this host to take no more."""
    if DRAIN.exists():
        return HttpResponse("draining", status=503)
    return HttpResponse("ready")
