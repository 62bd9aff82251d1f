"""The settings as a server has them, with nothing set up beforehand."""

from interop.mysite.settings import APPS, SETTINGS
from testproject.settings import *  # noqa: F403 - settings

globals().update(SETTINGS)
INSTALLED_APPS = APPS
