"""Its websocket URLconf."""

from django.contrib.auth.decorators import login_required

from browser.site import endings, sockets
from django_ws.urls import path

urlpatterns = [
    path("ws/whoami/", sockets.Whoami),
    path("ws/token/whoami/", sockets.TokenWhoami),
    path("ws/private/", sockets.Private),
    path("ws/moderators/", sockets.Moderators),
    path("ws/decorated/", login_required(sockets.Whoami.as_view())),
    path("ws/close/whoami/", sockets.WhoamiByClose),
    path("ws/cookies/", sockets.Cookies),
    path("ws/cookies/set/", sockets.SetsCookie),
    path("ws/chat/", sockets.Chat),
    path("ws/chat/strict/", sockets.StrictChat),
    path("ws/refusing/<str:how>/", sockets.Refusing),
    path("ws/http/refusing/<str:how>/", sockets.RefusingOverHTTP),
    path("ws/close/refusing/<str:how>/", sockets.RefusingByClose),
    path("ws/hold/", sockets.hold),
    path("ws/crowded/hold/", sockets.hold),
    path("ws/never/", sockets.Never),
    path("ws/http/never/", sockets.NeverOverHTTP),
    path("ws/idle/", endings.Idle),
    path("ws/slow-down/", endings.Flooded),
    path("ws/small/", endings.Small),
    path("ws/json/", endings.Json),
    path("ws/binary/", endings.Binary),
    path("ws/fault/", endings.Fault),
    path("ws/forbidden/", endings.Forbidden),
    path("ws/done/", endings.done),
    path("ws/code/<int:code>/", endings.closes_with),
    path("ws/hello/<int:code>/", endings.greets_and_closes_with),
]
