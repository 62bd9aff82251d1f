from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def ready(request: HttpRequest) -> HttpResponse:
    """Answer a load balancer, and tests that wait for a server."""
    return HttpResponse("ready")


urlpatterns = [
    path("ready/", ready),
    path("admin/", admin.site.urls),
    path("", include("howto.urls")),
]
