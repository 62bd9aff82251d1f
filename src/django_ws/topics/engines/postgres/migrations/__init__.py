"""Migrations of the engine over PostgreSQL."""

__all__: list[str] = []
