from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import TestCase

from django_ws.testing import capture_publishes, connect

from .tasks import announce_delay
from .topics import Changed, Orders
from .ws import MyOrders


class PushTests(TestCase):
    def test_the_view_publishes_at_commit(self) -> None:
        with capture_publishes() as published, self.captureOnCommitCallbacks(execute=True):
            self.client.post("/customers/7/orders/3/ship/")
        self.assertEqual(published, [(Orders(customer=7), Changed(3, "shipped"))])

    async def test_the_async_view(self) -> None:
        with capture_publishes() as published:
            await self.async_client.post("/customers/7/orders/3/cancel/")
        self.assertEqual(published, [(Orders(customer=7), Changed(3, "cancelled"))])

    async def test_the_customer_hears_of_it(self) -> None:
        ada = await User.objects.acreate(username="ada")
        async with connect(MyOrders, user=ada) as ws:
            await ws.receive_nothing()  # by now it has subscribed
            await sync_to_async(announce_delay)([(ada.pk, 3), (ada.pk + 1, 4)])
            self.assertEqual(await ws.receive(), Changed(3, "delayed"))
            await ws.receive_nothing()
