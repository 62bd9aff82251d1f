from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from .topics import Changed, Orders


@require_POST
def ship(request: HttpRequest, customer: int, order: int) -> HttpResponse:
    with transaction.atomic():
        # ... save the order ...
        Orders(customer=customer).publish_on_commit(Changed(order, "shipped"))
    return HttpResponse(status=204)


@require_POST
async def cancel(request: HttpRequest, customer: int, order: int) -> HttpResponse:
    # ... save the order ...
    await Orders(customer=customer).apublish(Changed(order, "cancelled"))
    return HttpResponse(status=204)
