"""The pages."""

from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import path

from playground.views import PlaygroundLoginView, index

urlpatterns = [
    path("", index, name="index"),
    path("login/", PlaygroundLoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *staticfiles_urlpatterns(),  # while DEBUG is on
]
