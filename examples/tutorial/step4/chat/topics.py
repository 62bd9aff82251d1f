from django_ws import Topic

from .messages import ServerMessage


class RoomTopic(Topic[ServerMessage]):
    pattern = "room.{room}"
    room: str
