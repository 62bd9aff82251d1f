"""``{% load django_ws %}``."""
