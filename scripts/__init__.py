"""Commands behind the Makefile.

The set-up runs before its virtual environment exists, so the modules that it imports use the
standard library alone.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # what the pinned requirements and Odoo 19.0 have in common

if not OLDEST <= sys.version_info[:2] <= NEWEST:
    oldest, newest = (".".join(map(str, version)) for version in (OLDEST, NEWEST))
    sys.exit(
        f"FAILED: {sys.executable} is Python {sys.version.split()[0]}; Odoo 19.0 needs {oldest} to {newest}.\n"
        f"What to do: name another Python, for example `make test PYTHON=python{oldest}`."
    )
