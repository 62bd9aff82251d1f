"""Its HTTP URLconf."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from browser.site import views

urlpatterns = [
    path("ready/", views.ready),
    path("page/", views.page),
    path("login/", LoginView.as_view()),
    path("logout/", LogoutView.as_view()),
    path("home/", views.home),
    path("ticket/", views.ticket),
    path("ticket/late/", views.late_ticket),
    path("cookies/", views.cookies),
]
