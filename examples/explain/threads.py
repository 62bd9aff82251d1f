from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import transaction
from typing_extensions import override

from django_ws import SyncWebSocketHandler, WebSocketHandler


def take(name: str) -> bool:
    users = get_user_model().objects
    with transaction.atomic():
        if users.filter(username=name).exists():
            return False
        users.create_user(name)
        return True


class Names(WebSocketHandler[str, str]):
    @override
    async def on_message(self, data: str) -> None:
        taken = await sync_to_async(take)(data)
        await self.send("yours" if taken else "taken")


class SyncNames(SyncWebSocketHandler[str, str]):
    @override
    def on_message(self, data: str) -> None:
        self.send("yours" if take(data) else "taken")
