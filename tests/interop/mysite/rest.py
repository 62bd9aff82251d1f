"""A view of Django REST framework, for sessions and for tokens."""

from rest_framework.authentication import (  # type: ignore[import-untyped]
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.permissions import IsAuthenticated  # type: ignore[import-untyped]
from rest_framework.request import Request  # type: ignore[import-untyped]
from rest_framework.response import Response  # type: ignore[import-untyped]
from rest_framework.views import APIView  # type: ignore[import-untyped]


# Django REST framework has no types.
class Me(APIView):  # type: ignore[misc]
    authentication_classes = [SessionAuthentication, TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})
