"""What ``manage.py`` shows of the websockets."""
