"""An operator, an account and a user of NATS, as JSON Web Tokens that nkeys sign; for credentials in a file."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

# Seeds of 32 equal bytes: nobody's but these tests'.
_BYTES = {"operator": (14 << 3, b"\1"), "account": (0, b"\2"), "user": (20 << 3, b"\3")}


def _seed(kind: str) -> str:
    """Write a seed as nkeys do: two bytes of prefix, 32 of seed, a CRC16, in base32."""
    prefix, byte = _BYTES[kind]
    raw = bytes([(18 << 3) | (prefix >> 5), (prefix & 31) << 3]) + byte * 32
    crc = 0
    for value in raw:
        crc ^= value << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021) & 0xFFFF if crc & 0x8000 else (crc << 1) & 0xFFFF
    return base64.b32encode(raw + crc.to_bytes(2, "little")).decode().rstrip("=")


SEED = _seed("user")


# It brings no types.
def _pair(kind: str) -> Any:
    return import_module("nkeys").from_seed(bytearray(_seed(kind).encode()))


def _token(issuer: str, subject: str, claims: Mapping[str, object]) -> str:
    pair = _pair(issuer)
    payload: dict[str, object] = {
        "jti": "",
        "iat": 1,
        "iss": pair.public_key.decode(),
        "name": subject,
        "sub": _pair(subject).public_key.decode(),
        "nats": {"type": subject, "version": 2, **claims},
    }
    payload["jti"] = base64.b32encode(hashlib.sha256(json.dumps(payload).encode()).digest()).decode().rstrip("=")
    signed = f"{_url({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_url(payload)}"
    return f"{signed}.{_base64(pair.sign(signed.encode()))}"


def _url(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def config() -> str:
    """Give the configuration of a server that trusts the operator."""
    account = _pair("account").public_key.decode()
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1}
    token = _token("operator", "account", {"limits": {**limits, "wildcards": True}})
    return (
        f"operator: {_token('operator', 'operator', {})}\nresolver: MEMORY\nresolver_preload: {{ {account}: {token} }}"
    )


def credentials() -> str:
    """Give the text of the user's ``.creds`` file."""
    token = _token("account", "user", {"subs": -1, "data": -1, "payload": -1})
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
    )
