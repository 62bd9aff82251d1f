"""The system checks, for a project with ``"django_ws"`` in ``INSTALLED_APPS``: what each says is in docs/checks.md.

They find at ``manage.py check`` what else is found when the server starts, and all of it at once; and some things that
no start can find. ``manage.py check --tag django_ws`` runs them alone.
"""

from django_ws.checks.messages import HINTS, TAG
from django_ws.checks.origins import check_origins
from django_ws.checks.project import check_project
from django_ws.checks.registering import register_checks
from django_ws.checks.servers import check_runserver, check_server
from django_ws.checks.settings import check_settings
from django_ws.checks.topics import check_deployed_topics, check_topics

__all__ = [
    "HINTS",
    "TAG",
    "check_deployed_topics",
    "check_origins",
    "check_project",
    "check_runserver",
    "check_server",
    "check_settings",
    "check_topics",
    "register_checks",
]
