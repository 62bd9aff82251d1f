"""The terminal client of ``manage.py ws_connect``; needs the extra ``django-ws[client]``."""

__all__: list[str] = []
