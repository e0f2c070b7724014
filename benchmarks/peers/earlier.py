"""Peers: this suite as it was at an earlier commit."""

import io
import shutil
import subprocess
import tarfile

from scripts.paths import ROOT
from scripts.progress import Failure

from ..processes import FOLDER
from .connector import Connector
from .framework import ConnectorFramework


class Earlier:
    """Mixin of a peer of this suite: the addons of an earlier commit, with the benchmarks of now.

    :param commit: a name of it that git knows
    """

    command = "connector_worker"  # which each commit knows

    def __init__(self, commit):
        short = short_hash(commit)
        self.name = f"{self.name}_{short}"
        self.title = f"connector at {short}"
        self.addons_path = FOLDER / f"connector_{short}"
        super().__init__()
        if not self.addons_path.exists():
            part = self.addons_path.with_name(f"{self.addons_path.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            there = _git("ls-tree", "--name-only", commit).decode().split()
            addons = [addon for addon in ("jobs_queue", "connector") if addon in there]
            with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, *addons))) as archive:
                archive.extractall(part, filter="data")
            part.rename(self.addons_path)


class EarlierConnector(Earlier, Connector):
    """The command host of an earlier commit."""


class EarlierFramework(Earlier, ConnectorFramework):
    """The framework of an earlier commit."""


def short_hash(commit):
    """Return the hash of a commit, as a short text."""
    return _git("rev-parse", "--short=8", f"{commit}^{{commit}}").decode().strip()


def _git(*arguments):
    """Run git, and return what it prints."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True)
    if done.returncode:
        raise Failure("git does not know that commit here.", "name one of this checkout.", [done.stderr.decode()])
    return done.stdout
