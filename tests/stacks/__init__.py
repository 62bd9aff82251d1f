"""A project with the apps that many have installed: their real middleware runs around the handshakes of its sockets."""
