"""What ``manage.py`` shows of the websockets."""

__all__: list[str] = []
