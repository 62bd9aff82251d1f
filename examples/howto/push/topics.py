import msgspec

from django_ws import Topic


class Changed(msgspec.Struct, frozen=True):
    order: int
    status: str


class Orders(Topic[Changed]):
    """The orders of one customer."""

    pattern = "orders.{customer}"
    customer: int
