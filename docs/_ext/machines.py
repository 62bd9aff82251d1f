"""Pages for machine readers."""


def setup(app):
    return {}
