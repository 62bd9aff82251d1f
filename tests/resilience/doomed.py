"""A client process that is to be killed: opens sockets, brings each to its place, says so, and waits.

Run as ``python doomed.py PORT KEY:PLACE ...``; it imports nothing but ``socket`` and ``sys``, to start quickly.
"""

import socket
import sys

HELLO = b"\x81\x85\x00\x00\x00\x00hello"
"""A masked text frame (RFC 6455 section 5.2); the mask is zero."""


def hold(port: int, key: str, place: str) -> socket.socket:
    """Open a socket, and wait until it says that it is held."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    lines = [
        f"GET /held/{place}/?id={key} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "",
        "",
    ]
    client.sendall("\r\n".join(lines).encode())
    if place == "message":
        wait(client, b"\r\n\r\n")
        client.sendall(HELLO)
    wait(client, b"held")
    if place == "sending":
        client.sendall(HELLO)
    return client


def wait(client: socket.socket, text: bytes) -> None:
    got = b""
    while text not in got:
        part = client.recv(65_536)
        if not part:
            raise ConnectionError(got)
        got += part


if __name__ == "__main__":
    port = int(sys.argv[1])
    clients = [hold(port, *argument.split(":")) for argument in sys.argv[2:]]
    print("held", flush=True)
    sys.stdin.read()
