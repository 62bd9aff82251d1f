from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from django_ws import disconnect_on_commit


@transaction.atomic
def expel(request: HttpRequest, team: str, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    user.groups.remove(get_object_or_404(Group, name=team))
    disconnect_on_commit(user, code=4403, reason="no longer a member")
    return HttpResponse(status=204)
