"""topics/engines/valkey.py: everything an engine must do, with a real Valkey, alone and as a cluster."""

from collections.abc import Iterator

import pytest
from typing_extensions import override

from django_ws.testing.brokers import BrokerConformance
from topics.engines.support_valkey import Valkey, running, running_cluster

BACKEND = "django_ws.topics.engines.valkey.ValkeyBroker"


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[Valkey]:
    with running_cluster() as server:
        yield server


class TestConformance(BrokerConformance):
    backend = BACKEND

    @pytest.fixture(autouse=True)
    def where(self, server: Valkey) -> None:
        self.server = server
        self.location = server.url

    @override
    def kill(self) -> None:
        self.server.kill()

    @override
    def start(self) -> None:
        self.server.start()


class TestClusterConformance(BrokerConformance):
    backend = BACKEND
    options = {"CLUSTER": True}

    @pytest.fixture(autouse=True)
    def where(self, cluster: Valkey) -> None:
        self.server = cluster
        self.location = cluster.url

    @override
    def kill(self) -> None:
        self.server.kill()

    @override
    def start(self) -> None:
        self.server.start()
