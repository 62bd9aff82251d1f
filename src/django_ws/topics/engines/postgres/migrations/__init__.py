"""Migrations of the engine over PostgreSQL."""
