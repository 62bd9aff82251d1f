from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from django_ws.middleware import socket_token


@never_cache
@login_required
def ticket(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"token": socket_token(request.user)})
