"""The one table, whose rows know in which threads they were written and read."""

import threading
from collections import defaultdict
from typing import Any, ClassVar, Final, Self

from django.db import models
from typing_extensions import override

__all__ = ["Entry", "threads"]

threads: Final[defaultdict[str, set[int]]] = defaultdict(set)
"""The threads in which the rows of each socket were written and read."""


class Entry(models.Model):
    """Something that a socket wrote."""

    socket = models.CharField(max_length=32, db_index=True)
    number = models.IntegerField()

    objects: ClassVar[models.Manager["Entry"]] = models.Manager()

    class Meta:
        app_label = "site"

    @override
    def __str__(self) -> str:
        return f"{self.socket}: {self.number}"

    # Django: whatever save takes.
    @override
    def save(self, *args: Any, **kwargs: Any) -> None:
        threads[self.socket].add(threading.get_ident())
        super().save(*args, **kwargs)

    # Django: whatever from_db takes; 6.1 takes more.
    @classmethod
    @override
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        threads[row.socket].add(threading.get_ident())
        return row
