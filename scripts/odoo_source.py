"""Odoo 19.0: found on the machine, or fetched."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import debian
from .paths import FETCHED_ODOO, HOME, ODOO, ODOO_CONFIG, PYTHON, ROOT, VENV
from .programs import run
from .progress import Failure, step

SERIES = "19.0"
REPOSITORY = "https://github.com/odoo/odoo.git"

# The package's web client consists of these, too; version 7 of Font Awesome has other file names.
DEBIAN_PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "fonts-font-awesome/bookworm",
)
DEBIAN_PATH = FETCHED_ODOO / "usr/lib/python3/dist-packages"


@dataclass
class OdooSource:
    """The source of an Odoo.

    :param path: the folder that has `odoo` in it
    :param origin: where it came from, in words
    """

    path: Path
    origin: str


def find():
    """Return the :class:`OdooSource` that this machine has, or None.

    :raise Failure: ODOO_HOME names something else
    """
    return from_odoo_home() or importable() or fetched()


def use(source):
    """Make Odoo importable in the virtual environment; write a launcher and a configuration."""
    if source.path == DEBIAN_PATH:
        add_left_out_file()
    make_importable(source)
    write_launcher()
    write_config()


def series(path):
    """Return the series ("19.0") of the Odoo in a folder, or None if there is no Odoo."""
    release = path / "odoo" / "release.py"
    if not release.exists():
        return None
    version = re.search(r"^version_info = \('?([\w~-]+)'?, (\d+)", release.read_text(), re.MULTILINE)
    return ".".join(version.groups()) if version else None


def from_odoo_home():
    home = os.environ.get("ODOO_HOME")
    if not home:
        return None
    path = Path(home).expanduser().resolve()
    if series(path) != SERIES:
        raise Failure(
            f"ODOO_HOME={home} is not Odoo {SERIES}.",
            "set it to the folder that contains odoo-bin and odoo/, or unset it to have Odoo fetched.",
            [f"{path / 'odoo' / 'release.py'}: {'Odoo ' + series(path) if series(path) else 'does not exist'}"],
        )
    return OdooSource(path, "ODOO_HOME")


def importable():
    """Return the Odoo that the user's own Python imports, or None.

    An Odoo of another series does not count.
    """
    where = "import odoo.release; print(odoo.release.__file__)"
    found = subprocess.run([sys.executable, "-P", "-c", where], capture_output=True, text=True)
    if found.returncode:
        return None
    path = Path(found.stdout.strip()).parent.parent
    return OdooSource(path, f"import odoo in {sys.executable}") if series(path) == SERIES else None


def fetched():
    if series(DEBIAN_PATH) == SERIES:
        return OdooSource(DEBIAN_PATH, "Debian's package")
    if series(FETCHED_ODOO) == SERIES:
        return OdooSource(FETCHED_ODOO, f"branch {SERIES}")
    return None


def fetch():
    """Fetch Odoo and return its :class:`OdooSource`."""
    free = shutil.disk_usage(FETCHED_ODOO.parent).free / 1e9
    if free < 3:
        raise Failure(
            f"Odoo and its databases need 3 GB, {FETCHED_ODOO.parent} has {free:.1f} GB left.",
            "free some space, or set ODOO_HOME to an Odoo that is there.",
        )
    tried = ["ODOO_HOME: not set", f"import odoo: none of {SERIES} in {sys.executable}"]
    for name, attempt in (("Debian's package", from_debian), (f"git clone of branch {SERIES}", from_git)):
        try:
            with step(f"Odoo {SERIES}: {name}"):
                attempt()
            return fetched()
        except Failure as failure:
            tried.append(f"{name}: {failure.what}")
            tried += [f"    {line}" for line in failure.tried]
    raise Failure(
        f"Odoo {SERIES} could not be had.",
        "check the network, or set ODOO_HOME to the folder of an Odoo that is there.",
        tried,
    )


def from_debian():
    debian.download(DEBIAN_PACKAGES, FETCHED_ODOO)


def from_git():
    part = FETCHED_ODOO.with_name(FETCHED_ODOO.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    run(["git", "clone", "--depth=1", f"--branch={SERIES}", REPOSITORY, part], "check the network, then run again.")
    part.rename(FETCHED_ODOO)


def make_importable(source):
    """Put Odoo on the path of the virtual environment, and show pip a distribution `odoo`."""
    (packages,) = VENV.glob("lib/python3.*/site-packages")
    (packages / "odoo-source.pth").write_text(f"{source.path}\n")
    # Without its dependencies: these are in requirements.txt, psycopg2 under the name
    # psycopg2-binary.
    metadata = packages / f"odoo-{SERIES}.dist-info" / "METADATA"
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: odoo\nVersion: {SERIES}\n")


def add_left_out_file():
    """Create an empty file in place of one that Debian left out as not free enough.

    The web client works without the file, but its bundle names it. The error in the console would
    fail every browser test.
    """
    file = DEBIAN_PATH / "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("// Not part of Debian's package.\n")


def write_launcher():
    # Not `python -m odoo`: a prefork server starts its children by the path of the script.
    ODOO.write_text(f"#!{PYTHON}\nimport odoo.cli\n\nif __name__ == '__main__':\n    odoo.cli.main()\n")
    ODOO.chmod(0o755)


def write_config():
    # libpq's variables name the database server (see postgres.py), so this file holds for any
    # server.
    ODOO_CONFIG.write_text(f"[options]\naddons_path = {ROOT}\ndata_dir = {HOME / 'data'}\nhttp_interface = 127.0.0.1\n")
