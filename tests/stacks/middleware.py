"""Its own middleware, one of each kind that Django knows."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import async_only_middleware, sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

# Django: what it gives is a response, or an awaitable of one.
GetResponse = Callable[[HttpRequest], Any]


def sync(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.by_sync = "yes"  # type: ignore[attr-defined]
        response: HttpResponseBase = get_response(request)
        response["X-Sync"] = "yes"
        return response

    return middleware


# django-stubs does not say what its decorators give.
@async_only_middleware
def async_only(get_response: GetResponse) -> Any:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        request.by_async = "yes"  # type: ignore[attr-defined]
        response: HttpResponseBase = await get_response(request)
        response["X-Async"] = "yes"
        return response

    return middleware


# See async_only.
@sync_and_async_middleware
def both(get_response: GetResponse) -> Any:
    from asgiref.sync import iscoroutinefunction

    if not iscoroutinefunction(get_response):

        def sync_middleware(request: HttpRequest) -> HttpResponseBase:
            request.by_both = "sync"  # type: ignore[attr-defined]
            response: HttpResponseBase = get_response(request)
            return response

        return sync_middleware

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        request.by_both = "async"  # type: ignore[attr-defined]
        response: HttpResponseBase = await get_response(request)
        return response

    return middleware


class OldStyle(MiddlewareMixin):
    """In the style of Django before 1.10: methods alone."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        request.by_old_style = "yes"  # type: ignore[attr-defined]
        return HttpResponse("closed", status=503) if "closed" in request.GET else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Old-Style"] = "yes"
        return response


def counting(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """Change the session at each request, before it and after."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.session["visits"] = request.session.get("visits", 0) + 1
        response: HttpResponseBase = get_response(request)
        request.session["status"] = response.status_code
        return response

    return middleware


def hiding(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponseBase]:
    """Find nothing anywhere, for what acts on a 404."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        raise Http404

    return middleware
