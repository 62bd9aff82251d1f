from django.urls import path

from .authenticate.views import ticket
from .push.views import cancel, ship

urlpatterns = [
    path("ticket/", ticket),
    path("customers/<int:customer>/orders/<int:order>/ship/", ship),
    path("customers/<int:customer>/orders/<int:order>/cancel/", cancel),
]
