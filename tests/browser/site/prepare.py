"""Makes the database, with one user; ``python -m browser.site.prepare``."""

import os

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "browser.site.settings")
django.setup()

if __name__ == "__main__":
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    for name in ("ada", "grace"):
        User.objects.create_user(name, password="correct horse")
