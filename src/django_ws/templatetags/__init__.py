"""``{% load django_ws %}``."""

__all__: list[str] = []
