from pathlib import Path

from django.http import HttpRequest, HttpResponse

DRAIN = Path("/run/mysite/drain")


async def live(request: HttpRequest) -> HttpResponse:
    """The event loop turns: nothing blocks it."""
    return HttpResponse("live")


def ready(request: HttpRequest) -> HttpResponse:
    """Sync code gets a thread, too, and nobody said that this host takes no more."""
    if DRAIN.exists():
        return HttpResponse("draining", status=503)
    return HttpResponse("ready")
