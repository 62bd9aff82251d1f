"""Live authorization: who logs out, is banned or loses a permission loses the open sockets, too, on every machine.

:func:`disconnect` and its like do it by hand. With ``"django_ws"`` in ``INSTALLED_APPS`` a logout, a change of the
password, a deactivation and a deletion do it by themselves (``WS_DISCONNECT_ON``). A socket class with ``revalidate``
is besides checked from time to time, which needs no broker and misses nothing (:mod:`django_ws.standing`).
"""

from django_ws.authorization.disconnecting import adisconnect, disconnect, disconnect_on_commit

__all__ = ["adisconnect", "disconnect", "disconnect_on_commit"]
