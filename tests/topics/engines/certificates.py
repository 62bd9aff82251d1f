"""Certificates for a server on this machine, made when they are needed."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Files(NamedTuple):
    """Paths of PEM files."""

    authority: str
    certificate: str
    key: str


def make_certificates(folder: Path, names: str = "IP:127.0.0.1") -> Files:
    """Make a certificate for these names of a server, and the authority that vouches for it."""
    authority, authority_key, certificate, key = (
        folder / name for name in ("ca.pem", "ca-key.pem", "cert.pem", "key.pem")
    )
    # What the strict checks of Python 3.13 ask for: the use of the authority's key, and whose key has signed.
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl("-subj", "/CN=test authority", *usage, "-keyout", str(authority_key), "-out", str(authority))
    _openssl(
        *("-subj", "/CN=localhost", "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE"),
        *("-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext", "authorityKeyIdentifier=keyid"),
        *("-CA", str(authority), "-CAkey", str(authority_key), "-keyout", str(key), "-out", str(certificate)),
    )
    return Files(str(authority), str(certificate), str(key))


def _openssl(*arguments: str) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", *arguments),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
