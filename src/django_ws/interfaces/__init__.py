"""The joints between the layers: Protocols and aliases, no behaviour.

A layer imports this module and :mod:`django_ws.exceptions`, never a sibling. Each joint is as small as its
consumer needs, has a shipped fake in :mod:`django_ws.testing`, and a type test that holds the real one and the
fake to it.

===========================================  ======================  ===========================
joint                                        between                 carries
===========================================  ======================  ===========================
:class:`Connection`                          protocol -> handler     the frames of one websocket
:class:`Resolver`                            routing -> application  a path -> a :class:`Match`
:class:`SocketFactory`, :class:`Endpoint`    routing -> handler      one socket of a route
:class:`Middleware`, :class:`Next`           middleware -> handler   the way inwards
:class:`Guard`                               user -> handler         who may open a socket
:class:`Codec`                               handler -> wire         messages <-> frames
:class:`TaskManager`                         tasks -> handler        the background tasks of one socket
:class:`Subscribable`, :class:`Member`       topics -> handler       who hears of events
:class:`Membership`, :class:`TopicDelivery`  topics -> handler       events on their way
:class:`SocketMember`, :class:`Outlet`       topics -> protocol      frames for many sockets
:class:`Broker`, :class:`Link`               topics -> engines       what was published
===========================================  ======================  ===========================
"""

from django_ws.aliases import ASGIReceive, ASGISend, ChannelMessage, Data, Frame, Headers, Scope
from django_ws.interfaces.engines import Broker, Link
from django_ws.interfaces.handler import Codec, Endpoint, Guard, SendsAcceptHeaders, TaskManager, TaskManagerFactory
from django_ws.interfaces.middleware import Middleware, MiddlewareFactory, Next
from django_ws.interfaces.protocol import ASGIApplication, Connection, ConnectionFactory, Outlet
from django_ws.interfaces.routing import Match, Resolver, SocketFactory
from django_ws.interfaces.topics import Member, Membership, SocketMember, Subscribable, TopicDelivery

__all__ = [
    "ASGIApplication",
    "ASGIReceive",
    "ASGISend",
    "Broker",
    "ChannelMessage",
    "Codec",
    "Connection",
    "ConnectionFactory",
    "Data",
    "Endpoint",
    "Frame",
    "Guard",
    "Headers",
    "Link",
    "Match",
    "Member",
    "Membership",
    "Middleware",
    "MiddlewareFactory",
    "Next",
    "Outlet",
    "Resolver",
    "Scope",
    "SendsAcceptHeaders",
    "SocketFactory",
    "SocketMember",
    "Subscribable",
    "TaskManager",
    "TaskManagerFactory",
    "TopicDelivery",
]
