"""Fixtures of the tests of the checks."""

from checks.support import module

__all__ = ["module"]
