from .topics import Changed, Orders


def announce_delay(orders: list[tuple[int, int]]) -> None:
    """A task of Celery, Django's own or cron's: plain sync code, and one round trip for all."""
    Orders.publish_many([(Orders(customer=customer), Changed(order, "delayed")) for customer, order in orders])
