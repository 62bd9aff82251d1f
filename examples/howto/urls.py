from django.urls import path

from .authenticate.views import ticket
from .monitor.views import live, ready
from .push.views import cancel, ship

urlpatterns = [
    path("monitor/live/", live),
    path("monitor/ready/", ready),
    path("ticket/", ticket),
    path("customers/<int:customer>/orders/<int:order>/ship/", ship),
    path("customers/<int:customer>/orders/<int:order>/cancel/", cancel),
]
