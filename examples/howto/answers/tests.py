from django.test import SimpleTestCase

from django_ws.testing import connect, freeze_clock

from .conversation import Ask, Conversation, Done, Stop, Word
from .fake_llm import open_requests
from .once import answer


class AnswerTests(SimpleTestCase):
    async def test_word_by_word(self) -> None:
        async with connect(answer, query="q=why") as ws:
            self.assertEqual([await ws.receive() for _ in range(3)], ["You", "asked:", "why"])
            self.assertEqual(await ws.wait_closed(), 1000)

    async def test_the_model_stops_when_the_client_leaves(self) -> None:
        with freeze_clock() as clock:
            async with connect(answer, query="q=a+long+question") as ws:
                await clock.advance(0.3)
                self.assertEqual(await ws.receive(), "You")
                self.assertEqual(open_requests, {"a long question"})
            self.assertEqual(open_requests, set())


class ConversationTests(SimpleTestCase):
    async def test_an_answer(self) -> None:
        async with connect(Conversation) as ws:
            await ws.send(Ask("why"))
            self.assertEqual([await ws.receive() for _ in range(4)], [Word("You"), Word("asked:"), Word("why"), Done()])

    async def test_stop(self) -> None:
        with freeze_clock() as clock:
            async with connect(Conversation) as ws:
                await ws.send(Ask("why"))
                await clock.advance(0.3)
                await ws.send(Stop())
                self.assertEqual([await ws.receive(), await ws.receive()], [Word("You"), Done()])
                await clock.rest()
                self.assertEqual(open_requests, set())

    async def test_a_new_question_ends_the_old_answer(self) -> None:
        with freeze_clock() as clock:
            async with connect(Conversation) as ws:
                await ws.send(Ask("first"))
                await clock.advance(0.3)
                await ws.send(Ask("second"))
                await clock.advance(0.1)
                self.assertEqual(open_requests, {"second"})

    async def test_the_model_stops_when_the_client_leaves(self) -> None:
        with freeze_clock() as clock:
            async with connect(Conversation) as ws:
                await ws.send(Ask("why"))
                await clock.advance(0.3)
                self.assertEqual(open_requests, {"why"})
            self.assertEqual(open_requests, set())
