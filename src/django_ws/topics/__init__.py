"""Layer 5: topics. What is published anywhere reaches every socket that subscribed, on every machine."""

from django_ws.topics.brokers import brokers
from django_ws.topics.listener import Listener
from django_ws.topics.topic import Topic

__all__ = ["Listener", "Topic", "brokers"]
