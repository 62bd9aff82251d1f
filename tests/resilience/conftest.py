"""Each test that takes ``habits`` runs once for each server."""

from pathlib import Path

import pytest
from typing_extensions import override

from resilience.progress import Progress
from servers.habits import SERVERS, Habits


@pytest.fixture(params=[pytest.param(habits, id=habits.key) for habits in SERVERS])
def habits(request: pytest.FixtureRequest) -> Habits:
    """Give a server's habits."""
    found: Habits = request.param
    return found


class Notes(Progress):
    """Prints the notes, which pytest shows of a test that fails."""

    @override
    def note(self, text: str) -> None:
        print(text)


@pytest.fixture
def progress() -> Progress:
    """Give what shows nothing but notes."""
    return Notes()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and "habits" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.server)
