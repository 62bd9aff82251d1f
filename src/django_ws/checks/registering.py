"""The system checks are registered, each with its tags."""

from django.core.checks import Tags, register

from django_ws.checks.messages import TAG
from django_ws.checks.origins import check_origins
from django_ws.checks.project import check_project
from django_ws.checks.servers import check_runserver, check_server
from django_ws.checks.settings import check_settings
from django_ws.checks.topics import check_deployed_topics, check_topics

__all__ = ["register_checks"]


def register_checks() -> None:
    """Register them; again does no harm."""
    register(check_settings, TAG)
    register(check_project, TAG)
    register(check_origins, TAG, Tags.security)
    register(check_runserver, TAG)
    register(check_server, TAG)
    register(check_topics, TAG)
    register(check_deployed_topics, TAG, deploy=True)
