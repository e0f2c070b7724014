"""Certificates that nobody but their owner has signed."""

import ipaddress
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo import fields


@contextmanager
def own_certificate(address=None, days=1):
    """Give the path of a file with a certificate and its key, which exists during the block.

    :param address: IP address for which it is made, None for no address
    :param days: for how many days it is valid from now on; negative: it has expired so long ago
    """
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    end = fields.Datetime.now() + timedelta(days=days)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), end - timedelta(days=9), end
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
        yield file
