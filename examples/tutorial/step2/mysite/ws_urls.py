from django_ws.urls import include, path

urlpatterns = [
    path("ws/", include("chat.ws_urls")),
]
