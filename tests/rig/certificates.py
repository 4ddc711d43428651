"""Certificates for servers of tests, of an authority that nobody else knows."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

HOST = "localhost"


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority's, the server's (of `localhost` and 127.0.0.1), a client's, each with its key."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    def context(self) -> ssl.SSLContext:
        """Of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server, self.server_key)
        return context


def make(folder: Path) -> Certificates:
    """New certificates in `folder`."""
    authority = trustme.CA()
    found = Certificates(*(folder / f"{name}.pem" for name in ("ca", "server", "server-key", "client", "client-key")))
    authority.cert_pem.write_to_path(str(found.authority))
    for names, certificate, key in (
        ((HOST, "127.0.0.1"), found.server, found.server_key),
        (("box@edge.example",), found.client, found.client_key),
    ):
        issued = authority.issue_cert(*names)
        certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        # A broker gives up root's rights, and reads them afterwards.
        key.chmod(0o644)
    return found
