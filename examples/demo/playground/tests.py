"""How the sockets of a project are tested: in Django's test case, without a server. `python manage.py test` runs it."""

import os
from datetime import datetime

from django.contrib.auth.models import User
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils.dateparse import parse_datetime
from typing_extensions import override

from django_ws import CloseCode
from django_ws.testing import ClientSocket, FakeBroker, capture_publishes, connect, freeze_clock
from django_ws.topics import brokers
from playground.chat import AWAY, LONGEST, Joined, Left, Room, Said, Unsaid, Welcome
from playground.ws import CLOSE_REASONS, Patient, Playground, Strict, countdown, temperature


class PlaygroundTests(TestCase):
    async def test_echo(self) -> None:
        async with connect("/ws/playground/") as ws:
            await ws.receive()
            await ws.send({"type": "echo", "id": 7, "text": "Grüße"})
            self.assertEqual(await ws.receive(), {"type": "echo", "id": 7, "text": "Grüße"})

    async def test_what_it_does_not_know_it_says(self) -> None:
        async with connect("/ws/playground/") as ws:
            await ws.receive()
            for message in ("text", {"type": "echo"}, {"type": "close", "code": 1005}):
                await ws.send(message)
                answer = await ws.receive_json()
                self.assertEqual(answer["type"], "error")

    async def test_other_sites_are_kept_out(self) -> None:
        with self.assertLogs("django_ws", "WARNING"):
            async with connect("/ws/playground/", origin="https://evil.example") as ws:
                assert ws.denied is not None
                self.assertEqual(ws.denied.status, 403)

    async def test_each_page_has_a_weather_of_its_own(self) -> None:
        async with connect(Playground) as one, connect(Playground) as other:
            await one.receive()
            await other.receive()
            await one.send({"type": "weather", "on": True})
            self.assertEqual((await one.receive_json())["type"], "weather")
            await other.receive_nothing()


class TimeTests(TestCase):
    """No test waits: the clock goes where it is told to."""

    async def test_ping_comes_every_five_seconds(self) -> None:
        with freeze_clock() as clock:
            async with connect(Playground) as ws:
                await ws.receive()
                await clock.advance(4.8)
                await ws.receive_nothing()
                await clock.advance(10.2)
                for _ in range(3):
                    ping = await ws.receive_json()
                    self.assertIsNotNone(datetime.fromisoformat(ping["ping"]).tzinfo)
                await ws.receive_nothing()

    async def test_weather_comes_every_second_until_it_is_stopped(self) -> None:
        with freeze_clock() as clock:
            async with connect(Playground) as ws:
                await ws.receive()
                await ws.send({"type": "weather", "on": True})
                await clock.advance(3)
                for _ in range(4):  # one at once
                    report = await ws.receive_json()
                    at = parse_datetime(report["at"])
                    assert at is not None
                    self.assertEqual(report["type"], "weather")
                    # DjangoJSONEncoder writes milliseconds.
                    self.assertAlmostEqual(report["celsius"], temperature(at.timestamp()), delta=0.2)
                await ws.send({"type": "weather", "on": False})
                await clock.advance(1.5)
                await ws.receive_nothing()

    async def test_countdown_takes_its_start_from_the_route(self) -> None:
        with freeze_clock() as clock:
            async with connect("/ws/countdown/3/") as ws:
                self.assertEqual(await ws.receive(), "3")
                await ws.receive_nothing()
                await clock.advance(2)
                self.assertEqual([await ws.receive(), await ws.receive()], ["2", "1"])
                await clock.advance(1)
                self.assertEqual(await ws.receive(), "Lift-off!")
                self.assertEqual(await ws.wait_closed(), CloseCode.NORMAL_CLOSURE)

    async def test_countdown_stops_when_the_client_has_gone(self) -> None:
        with freeze_clock():
            async with connect(countdown, 1_000_000) as ws:
                self.assertEqual(await ws.receive(), "1000000")


class UserTests(TestCase):
    user: User

    @classmethod
    @override
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create(username="alice")

    async def test_whoami_follows_login_and_logout(self) -> None:
        for user, name in ((None, None), (self.user, "alice")):
            async with connect("/ws/playground/", user=user) as ws:
                self.assertEqual(await ws.receive(), {"type": "whoami", "user": name})
        await self.async_client.aforce_login(self.user)
        async with connect("/ws/playground/", client=self.async_client) as ws:
            self.assertEqual(await ws.receive(), {"type": "whoami", "user": "alice"})
        await self.async_client.alogout()
        async with connect("/ws/playground/", client=self.async_client) as ws:
            self.assertEqual(await ws.receive(), {"type": "whoami", "user": None})

    async def test_the_demo_user_may_log_in(self) -> None:
        self.assertTrue(await self.async_client.alogin(username="demo", password="demo"))
        async with connect("/ws/members/", client=self.async_client) as ws:
            self.assertEqual(await ws.receive(), {"type": "welcome", "user": "demo"})

    async def test_members_are_greeted(self) -> None:
        async with connect("/ws/members/", user=self.user) as ws:
            self.assertEqual(await ws.receive(), {"type": "welcome", "user": "alice"})
            self.assertEqual(await ws.wait_closed(), CloseCode.NORMAL_CLOSURE)

    async def test_strangers_get_nothing_but_a_close(self) -> None:
        for cookies in ({}, {"sessionid": "made-up"}):
            async with connect("/ws/members/", cookies=cookies) as ws:
                self.assertEqual(await ws.wait_closed(), 4401)
                self.assertEqual(ws.close_reason, "Unauthorized")


LOBBY = "/ws/rooms/lobby/"


class ChatTests(TestCase):
    @override
    def setUp(self) -> None:
        self.worker = os.getpid()  # one process serves the tests, and publishes what they hear

    async def enter(self, ws: ClientSocket[object, object], who: str) -> None:
        self.assertEqual(await ws.receive(), Welcome(who, self.worker))
        self.assertEqual(await ws.receive(), Joined(who, self.worker))

    async def test_two_talk_and_one_leaves(self) -> None:
        alice = await User.objects.acreate(username="alice")
        async with connect(LOBBY, user=alice) as one:
            await self.enter(one, "alice")
            async with connect(f"{LOBBY}?guest=bob", user=None) as other:
                await self.enter(other, "guest bob")
                self.assertEqual(await one.receive(), Joined("guest bob", self.worker))
                await other.send({"type": "say", "text": "Grüße"})
                for ws in (one, other):
                    self.assertEqual(await ws.receive(), Said("guest bob", "Grüße", self.worker))
            self.assertEqual(await one.receive(), Left("guest bob", self.worker))

    async def test_rooms_are_apart(self) -> None:
        async with connect(LOBBY) as lobby, connect("/ws/rooms/kitchen/") as kitchen:
            await self.enter(lobby, "guest unknown")
            await self.enter(kitchen, "guest unknown")
            await kitchen.send({"type": "say", "text": "tea?"})
            self.assertEqual(await kitchen.receive(), Said("guest unknown", "tea?", self.worker))
            await lobby.receive_nothing()

    async def test_a_guest_cannot_pass_for_a_user(self) -> None:
        for guest, who in (("alice", "guest alice"), ("<b>@%00+", "guest b"), ("x" * 99, f"guest {'x' * 20}")):
            async with connect(f"{LOBBY}?guest={guest}") as ws:
                await self.enter(ws, who)

    async def test_what_cannot_be_said_is_answered(self) -> None:
        with capture_publishes(deliver=True) as published, self.assertLogs("django_ws", "WARNING"):
            async with connect(LOBBY) as ws:
                await self.enter(ws, "guest unknown")
                for text in ("", " ", "x" * (LONGEST + 1), 7):
                    await ws.send({"type": "say", "text": text})
                    answer = await ws.receive()
                    assert isinstance(answer, Unsaid)
                    self.assertIn("$.text", answer.why)
                await ws.send({"type": "say", "text": "x" * LONGEST})
                self.assertEqual(await ws.receive(), Said("guest unknown", "x" * LONGEST, self.worker))
        self.assertEqual([type(event) for _, event in published], [Joined, Said, Left])

    def test_the_view_publishes_at_the_commit(self) -> None:
        self.client.force_login(User.objects.create(username="alice"))
        with capture_publishes() as published, self.captureOnCommitCallbacks(execute=True):
            response = self.client.post("/rooms/lobby/say/", {"text": " Hello! ", "guest": "not asked"})
            self.assertEqual(published, [])
        self.assertEqual(response.status_code, 204)
        self.assertEqual(published, [(Room(name="lobby"), Said("alice", "Hello!", self.worker, by="view"))])

    def test_the_view_takes_no_bad_input(self) -> None:
        with capture_publishes() as published, self.captureOnCommitCallbacks(execute=True):
            for fields, why in (
                ({}, "text: This field is required."),
                ({"text": "   "}, "text: This field is required."),
                ({"text": "x" * (LONGEST + 1)}, "text: Ensure this value has at most 200 characters (it has 201)."),
                ({"text": "Hello", "guest": "\0"}, "guest: Null characters are not allowed."),
            ):
                response = self.client.post("/rooms/lobby/say/", fields)
                self.assertContains(response, why, status_code=400)
            self.assertEqual(self.client.get("/rooms/lobby/say/").status_code, 405)
        self.assertEqual(published, [])


@override_settings(WS_BROKERS={"default": {"BACKEND": "django_ws.testing.FakeBroker"}})
class EngineTests(TransactionTestCase):  # which does commit, as a site does
    """An engine that goes away, and comes back."""

    engine: FakeBroker

    @override
    def setUp(self) -> None:
        engine = brokers["default"]
        assert isinstance(engine, FakeBroker)
        self.engine = engine
        self.addCleanup(engine.come_back)

    async def test_while_it_is_away_the_page_is_told(self) -> None:
        with self.assertLogs("django_ws"):
            async with connect(LOBBY) as ws:
                self.assertIsInstance(await ws.receive(), Welcome)
                self.assertIsInstance(await ws.receive(), Joined)
                self.engine.go_down()
                await ws.send({"type": "say", "text": "Hello?"})
                self.assertEqual(await ws.receive(), Unsaid(AWAY))

    async def test_when_it_is_back_the_page_comes_anew(self) -> None:
        with freeze_clock() as clock, self.assertLogs("django_ws"):
            async with connect(LOBBY) as ws:
                self.assertIsInstance(await ws.receive(), Welcome)
                self.assertIsInstance(await ws.receive(), Joined)
                self.engine.go_down()
                await clock.advance(1)
                self.assertTrue(ws.is_open)
                self.engine.come_back()
                await clock.advance(60)
                self.assertEqual(await ws.wait_closed(), CloseCode.SERVICE_RESTART)
                self.assertEqual(ws.close_reason, "events may have been lost")

    @override_settings(WS_BROKER_TIMEOUT=0.01)
    async def test_nobody_enters_while_it_is_away(self) -> None:
        self.engine.go_down()
        with self.assertLogs("django_ws"):
            async with connect(LOBBY) as ws:
                self.assertEqual(await ws.wait_closed(), CloseCode.TRY_AGAIN_LATER)
                self.assertEqual(ws.close_reason, AWAY)

    def test_the_view_says_that_it_is_away(self) -> None:
        self.assertEqual(self.client.post("/rooms/lobby/say/", {"text": "Hello?"}).status_code, 204)
        self.engine.go_down()
        response = self.client.post("/rooms/lobby/say/", {"text": "Hello?"})
        self.assertContains(response, AWAY, status_code=503)


class FloodTests(TestCase):
    async def test_the_patient_socket_loses_nothing(self) -> None:
        numbers = [str(number) for number in range(60)]
        with self.assertLogs("django_ws"), freeze_clock() as clock:
            async with connect(Patient) as ws:
                for number in numbers:
                    await ws.send(number)
                await clock.rest()
                first = [await ws.receive() for _ in range(20)]
                await clock.advance(2)  # at 20 a second
                self.assertEqual(first + [await ws.receive() for _ in range(40)], numbers)

    async def test_the_strict_socket_closes(self) -> None:
        with self.assertLogs("django_ws", "WARNING"), freeze_clock():
            async with connect(Strict) as ws:
                for number in range(21):
                    await ws.send(str(number))
                self.assertEqual(await ws.wait_closed(), CloseCode.POLICY_VIOLATION)
                self.assertEqual(ws.close_reason, "too many messages")
                self.assertEqual([await ws.receive() for _ in range(20)], [str(number) for number in range(20)])

    async def test_the_strict_socket_serves_who_sends_slowly(self) -> None:
        with freeze_clock() as clock:
            async with connect(Strict) as ws:
                for number in range(60):
                    await ws.send(str(number))
                    self.assertEqual(await ws.receive(), str(number))
                    await clock.advance(0.1)


class EndTests(TestCase):
    async def test_the_page_chooses_the_code(self) -> None:
        for code, reason in CLOSE_REASONS.items():
            async with connect(Playground) as ws:
                await ws.send({"type": "close", "code": code})
                self.assertEqual(await ws.wait_closed(), code)
                self.assertEqual(ws.close_reason, reason)

    async def test_a_fault_is_logged_and_closes_with_1011(self) -> None:
        with self.assertLogs("django_ws", "ERROR"):
            async with connect(Playground, raise_faults=False) as ws:
                await ws.send({"type": "fault"})
                self.assertEqual(await ws.wait_closed(), CloseCode.INTERNAL_ERROR)

    async def test_a_fault_is_raised_in_the_test(self) -> None:
        with self.assertLogs("django_ws", "ERROR"), self.assertRaisesMessage(RuntimeError, "made on purpose"):
            async with connect(Playground) as ws:
                await ws.send({"type": "fault"})

    async def test_a_refusal_closes_with_1008(self) -> None:
        with self.assertLogs("django_ws", "WARNING"):
            async with connect(Playground, raise_faults=False) as ws:
                await ws.send({"type": "forbidden"})
                self.assertEqual(await ws.wait_closed(), CloseCode.POLICY_VIOLATION)

    async def test_what_is_no_message_closes(self) -> None:
        async def code_after(frame: str | bytes) -> int:
            async with connect(Playground) as ws:
                await (ws.send_bytes(frame) if isinstance(frame, bytes) else ws.send_text(frame))
                return await ws.wait_closed()

        with self.assertLogs("django_ws", "WARNING"):
            self.assertEqual(await code_after('{"this is": no JSON'), CloseCode.INVALID_FRAME_PAYLOAD_DATA)
            self.assertEqual(await code_after("x" * 20_000), CloseCode.MESSAGE_TOO_BIG)
            self.assertEqual(await code_after(b"\x01\x02\x03"), CloseCode.UNSUPPORTED_DATA)
