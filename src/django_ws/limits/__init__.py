"""How many connections an address or a user may have open: who is counted, and where."""

from django_ws.limits.addresses import PRIVATE_NETWORKS, AddressFilter
from django_ws.limits.places import Places
from django_ws.limits.shared import SharedPlaces

__all__ = ["PRIVATE_NETWORKS", "AddressFilter", "Places", "SharedPlaces"]
