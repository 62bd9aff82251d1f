from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.test import RequestFactory, TestCase
from typing_extensions import override

from django_ws.testing import connect, freeze_clock

from .views import expel
from .ws import Answer, Delete, Groups, Read, Team, from_the_office, staff


class PermissionTests(TestCase):
    user: User
    team: Group

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("ada")
        cls.team = Group.objects.create(name="red")
        cls.user.groups.add(cls.team)

    async def test_who_may_view_may_not_delete(self) -> None:
        async with connect(Groups, user=self.user) as ws:
            assert ws.denied is not None
            self.assertEqual(ws.denied.status, 403)
        await self.user.user_permissions.aadd(await Permission.objects.aget(codename="view_group"))
        async with connect(Groups, user=self.user) as ws:
            await ws.send(Read())
            self.assertEqual(await ws.receive(), Answer("red"))
            await ws.send(Delete("red"))
            self.assertEqual(await ws.receive(), Answer("You may not."))

    async def test_who_may_delete(self) -> None:
        for name in ("view_group", "delete_group"):
            await self.user.user_permissions.aadd(await Permission.objects.aget(codename=name))
        async with connect(Groups, user=self.user) as ws:
            await ws.send(Delete("red"))
            self.assertEqual(await ws.receive(), Answer("Done."))

    async def test_staff(self) -> None:
        async with connect(staff, user=self.user) as ws:
            assert ws.denied is not None
            self.assertEqual(ws.denied.status, 403)
        self.user.is_staff = True
        await self.user.asave()
        async with connect(staff, user=self.user) as ws:
            self.assertEqual(await ws.receive(), "Welcome.")

    async def test_the_office(self) -> None:
        self.assertIsNone(await from_the_office(RequestFactory().get("/", REMOTE_ADDR="10.0.0.7")))
        response = await from_the_office(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1"))
        assert response is not None
        self.assertEqual(response.status_code, 403)

    async def test_team(self) -> None:
        stranger = await User.objects.acreate(username="eve")
        for user, team, status in ((None, "red", 401), (stranger, "red", 403), (self.user, "blue", 404)):
            async with connect(Team, team=team, user=user) as ws:
                assert ws.denied is not None
                self.assertEqual(ws.denied.status, status)
        async with connect(Team, team="red", user=self.user) as ws:
            self.assertTrue(ws.is_open)

    async def test_who_is_no_longer_a_member_is_found_out(self) -> None:
        with freeze_clock() as clock:
            async with connect(Team, team="red", user=self.user) as ws:
                await self.user.groups.aremove(self.team)
                await clock.advance(600)
                self.assertEqual(await ws.wait_closed(), 4403)

    async def test_who_is_expelled_goes_at_once(self) -> None:
        async with connect(Team, team="red", user=self.user) as ws:
            await sync_to_async(self.expel)()
            self.assertEqual(await ws.wait_closed(), 4403)
            self.assertEqual(ws.close_reason, "no longer a member")

    def expel(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):  # a TestCase never commits
            expel(RequestFactory().post("/"), "red", self.user.pk)
