from datetime import timedelta
from typing import assert_never

import msgspec
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from typing_extensions import override

from django_ws import WebSocket, WebSocketHandler
from django_ws.guards import login_required, permission_required, user_passes_test


class Read(msgspec.Struct, tag="read"):
    pass


class Delete(msgspec.Struct, tag="delete"):
    name: str


class Answer(msgspec.Struct, tag="answer"):
    text: str


@permission_required("auth.view_group")
class Groups(WebSocketHandler[Read | Delete, Answer]):
    @override
    async def on_message(self, data: Read | Delete) -> None:
        user = await self.request.auser()
        match data:
            case Read():
                await self.send(Answer(", ".join([group.name async for group in Group.objects.order_by("name")])))
            case Delete(name=name):
                if not await sync_to_async(user.has_perm)("auth.delete_group"):
                    await self.send(Answer("You may not."))
                    return
                await Group.objects.filter(name=name).adelete()
                await self.send(Answer("Done."))
            case _:
                assert_never(data)


@user_passes_test(lambda user: user.is_staff)
async def staff(ws: WebSocket[str, str]) -> None:
    await ws.send("Welcome.")


async def from_the_office(request: HttpRequest) -> HttpResponse | None:
    if request.META["REMOTE_ADDR"].startswith(("127.", "10.")):
        return None
    return HttpResponse("Only from the office\n", status=403)


@login_required
class Team(WebSocketHandler[str, str]):
    guards = (from_the_office,)
    revalidate = timedelta(minutes=5)

    @override
    async def on_connect(self) -> None:
        if not await Group.objects.filter(name=self.kwargs["team"]).aexists():
            raise Http404
        if not await self.is_member():
            raise PermissionDenied

    @override
    async def on_revalidate(self) -> bool:
        return await self.is_member()

    async def is_member(self) -> bool:
        user = await self.request.auser()
        return await Group.objects.filter(name=self.kwargs["team"], user=user.pk).aexists()
