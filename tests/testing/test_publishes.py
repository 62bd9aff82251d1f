"""testing/publishes.py"""

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_ws.testing import Published, capture_publishes
from topics.support import News, Room, fake_broker


def test_what_is_published_is_noted_and_stays_here() -> None:
    with fake_broker() as broker, capture_publishes() as published:
        Room(room_id=3).publish("sync")
        async_to_sync(Room(room_id=4).apublish)("async")
        assert published == [(Room(room_id=3), "sync"), (Room(room_id=4), "async")]
        assert broker.published == []


def test_it_may_go_out_all_the_same() -> None:
    with fake_broker() as broker, capture_publishes(deliver=True) as published:
        News().publish({"n": 1})
        assert published == [Published(News(), {"n": 1})]
        assert [channel for channel, _ in broker.published] == ["news"]


def test_after_the_block_nothing_more_is_noted() -> None:
    with fake_broker() as broker:
        with capture_publishes() as published:
            pass
        News().publish(1)
        assert published == []
        assert len(broker.published) == 1


@pytest.mark.usefixtures("database")
def test_what_waits_for_the_commit_comes_with_it() -> None:
    with fake_broker(), capture_publishes() as published:
        with transaction.atomic():
            News().publish_on_commit(1)
            assert published == []
        assert published == [(News(), 1)]
