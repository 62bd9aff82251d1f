"""HTTP: a view of Django's, an API of Django REST framework, one of django-ninja."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework.authtoken.views import obtain_auth_token  # type: ignore[import-untyped]

from interop.mysite.rest import Me

api = NinjaAPI()


@api.get("/me", auth=django_auth)
def me(request: HttpRequest) -> dict[str, str]:
    return {"user": request.user.get_username()}


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"hello from {request.path}")


urlpatterns = [
    path("hello/", hello, name="hello"),
    path("rest/token/", obtain_auth_token),
    path("rest/me/", Me.as_view()),
    path("ninja/", api.urls),
]
