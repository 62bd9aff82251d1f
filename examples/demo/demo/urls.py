"""The pages."""

from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import path

from playground.views import PlaygroundLoginView, index, say

urlpatterns = [
    path("", index, name="index"),
    path("rooms/<slug:room>/say/", say, name="say"),
    path("login/", PlaygroundLoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    *staticfiles_urlpatterns(),  # while DEBUG is on
]
