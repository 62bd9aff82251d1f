from unittest import IsolatedAsyncioTestCase

from typing_extensions import override

from django_ws.interfaces import TaskManager
from django_ws.testing import TaskManagerConformance

from .tasks import InTurn


class InTurnTests(TaskManagerConformance, IsolatedAsyncioTestCase):
    """What every manager must do, with two tasks at most; the one that ships passes the same tests."""

    @override
    def make_manager(self) -> TaskManager:
        return InTurn()
