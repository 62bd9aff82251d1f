SECRET_KEY = "x"
INSTALLED_APPS: list[str] = []
ROOT_URLCONF = "demo.urls"
