"""A certificate that nobody has signed."""

import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo import fields


@contextmanager
def own_certificate():
    """Give the path of a file with a certificate and its key, which exists during the block."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begin = fields.Datetime.now() - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin)
    certificate = builder.not_valid_after(begin + timedelta(days=2)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
        yield file
