from django_ws.urls import path

from .answers.conversation import Conversation
from .answers.once import answer
from .authenticate.ws import Me

urlpatterns = [
    path("ws/me/", Me),
    path("ws/answer/", answer),
    path("ws/conversation/", Conversation),
]
