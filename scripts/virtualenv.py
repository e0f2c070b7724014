"""The private virtual environment, made from the pinned requirements."""

import hashlib
import importlib.util
import sys
import venv

from . import debian
from .paths import HOME, PYTHON, ROOT, VENV
from .programs import run
from .progress import Failure, step

STAMP = VENV / "made-by"


def ensure(*requirements):
    """Create a virtual environment with all that the requirements files list.

    These are named as in the root of the checkout.
    """
    maker = f"Python {sys.version} for {VENV}\n"
    if not STAMP.exists() or STAMP.read_text() != maker:
        with step(f"Virtual environment of Python {sys.version.split()[0]}"):
            create()
            STAMP.write_text(maker)
    for name in requirements:
        ensure_installed(name)


def create():
    has_pip = importlib.util.find_spec("ensurepip") is not None
    venv.create(VENV, clear=True, symlinks=True, with_pip=has_pip)
    if not has_pip:  # Debian packages it apart from Python
        install_pip()


def install_pip():
    try:
        debian.download(["python3-pip-whl"], HOME / "pip")
    except Failure as failure:
        failure.remedy = "install pip and venv for this Python (Debian: python3-venv), then run again."
        raise
    (wheel,) = (HOME / "pip" / "usr/share/python-wheels").glob("pip-*.whl")
    run([PYTHON, wheel / "pip", "install", "--no-index", wheel], remedy="install python3-venv, then run again.")


def ensure_installed(name):
    file = ROOT / name
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    stamp = VENV / f"{name}.sha256"
    if stamp.exists() and stamp.read_text() == content:
        return
    with step(f"Python packages of {name}"):
        run(
            # the files list each package that is needed: nothing is left to resolve
            [
                PYTHON,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--no-input",
                "--disable-pip-version-check",
                "-r",
                file,
            ],
            remedy="check the network and pip's configuration (`pip config list`), then run again.",
        )
        stamp.write_text(content)
