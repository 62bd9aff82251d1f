"""What ``ws_init`` makes of a project, change by change."""

__all__: list[str] = []
