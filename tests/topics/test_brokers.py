"""topics/brokers.py: each alias has one engine, shared by all threads, and what is wrong names the alias."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ws.testing import FakeBroker
from django_ws.topics import brokers

FAKE = "django_ws.testing.FakeBroker"
barrier = threading.Barrier(4)
not_callable = 3


def faulty(location: str, options: object) -> FakeBroker:
    raise ImproperlyConfigured("OPTIONS has 'x'")


def takes_nothing() -> None: ...


def test_an_engine_is_made_when_it_is_first_asked_for_and_kept() -> None:
    options = {"a": 1}
    configured = {
        "default": {"BACKEND": FAKE, "LOCATION": "here", "OPTIONS": options},
        "other": {"BACKEND": "no.where"},
    }
    with override_settings(WS_BROKERS=configured):
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        assert (broker.location, broker.options) == ("here", {"a": 1})
        assert broker.options is not options
        assert brokers["default"] is broker
        assert list(brokers) == ["default", "other"]


def test_all_threads_get_the_same() -> None:
    def ask() -> object:
        barrier.wait(30)
        return brokers["default"]

    with override_settings(WS_BROKERS={"default": {"BACKEND": FAKE}}), ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            brokers.close()
            assert len({id(asked.result()) for asked in [pool.submit(ask) for _ in range(4)]}) == 1


def test_who_waits_for_the_lock_makes_no_second_one() -> None:
    with override_settings(WS_BROKERS={"default": {"BACKEND": FAKE}}):
        asked: list[object] = []
        with brokers._lock:
            thread = threading.Thread(target=lambda: asked.append(brokers["default"]))
            thread.start()
            brokers._made["default"] = made = FakeBroker()
        thread.join(30)
        assert brokers["default"] is made
        assert asked == [made]


def test_closing_closes_all_and_the_next_one_is_another() -> None:
    with override_settings(WS_BROKERS={"default": {"BACKEND": FAKE}, "other": {"BACKEND": FAKE}}):
        made = [brokers["default"], brokers["other"]]
        brokers.close()
        assert [isinstance(broker, FakeBroker) and broker.is_closed for broker in made] == [True, True]
        assert brokers["default"] is not made[0]


def test_other_settings_close_them_and_others_do_not() -> None:
    with override_settings(WS_BROKERS={"default": {"BACKEND": FAKE}}):
        broker = brokers["default"]
        assert isinstance(broker, FakeBroker)
        with override_settings(LANGUAGE_CODE="de"):
            assert brokers["default"] is broker
    assert broker.is_closed


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        ("no.where.Broker", r"WS_BROKERS\['default'\]: BACKEND 'no\.where\.Broker': No module named 'no'"),
        ("nodots", r"WS_BROKERS\['default'\]: BACKEND 'nodots': "),
        (f"{__name__}.not_callable", r"WS_BROKERS\['default'\]: BACKEND '.*not_callable' is no class"),
        (f"{__name__}.faulty", r"WS_BROKERS\['default'\]: OPTIONS has 'x'"),
        (f"{__name__}.takes_nothing", r"WS_BROKERS\['default'\]: takes_nothing\(\) takes 0 positional arguments"),
    ],
)
def test_what_is_wrong_names_the_alias(backend: str, why: str) -> None:
    with (
        override_settings(WS_BROKERS={"default": {"BACKEND": backend}}),
        pytest.raises(ImproperlyConfigured, match=why),
    ):
        brokers["default"]


def test_an_alias_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with override_settings(WS_BROKERS={"default": {"BACKEND": FAKE}, "other": {"BACKEND": FAKE}}):
        with pytest.raises(ImproperlyConfigured) as caught:
            brokers["third"]
        assert str(caught.value) == "There is no broker 'third' in WS_BROKERS, only 'default', 'other'"
