from contextlib import aclosing
from typing import assert_never

import msgspec
from typing_extensions import override

from django_ws import WebSocketHandler

from .fake_llm import complete


class Ask(msgspec.Struct, tag="ask"):
    question: str


class Stop(msgspec.Struct, tag="stop"):
    pass


class Word(msgspec.Struct, tag="word"):
    text: str


class Done(msgspec.Struct, tag="done"):
    pass


class Conversation(WebSocketHandler[Ask | Stop, Word | Done]):
    @override
    async def on_message(self, data: Ask | Stop) -> None:
        match data:
            case Ask(question=question):
                # The same id again: a new question ends the answer to the last one.
                _ = self.start_task("answer", self.answer, question)
            case Stop():
                if self.cancel_task("answer"):
                    await self.send(Done())
            case _:
                assert_never(data)

    async def answer(self, question: str) -> None:
        async with aclosing(complete(question)) as words:
            async for word in words:
                await self.send(Word(word))  # a client that reads slowly slows the model down
        await self.send(Done())

    @override
    async def on_task_error(self, error: Exception) -> None:
        await self.send(Done())  # it has been logged; the connection lives on
