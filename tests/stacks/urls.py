"""Its HTTP URLconf."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def page(request: HttpRequest) -> HttpResponse:
    """Be a page at the path of a socket."""
    return HttpResponse("a page")


urlpatterns = [
    path("asked/", page),
    path("accounts/", include("allauth.urls")),
    path("__debug__/", include("debug_toolbar.urls")),
]
