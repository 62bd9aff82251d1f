import os

from django_ws import get_websocket_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

application = get_websocket_application()
