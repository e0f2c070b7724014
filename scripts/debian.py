"""Debian's packages without their installation: verified by apt, extracted into a folder.

No root is needed. apt works on folders of its own, with the mirror that the machine uses and the
keys of Debian's archive.
"""

import os
import re
import shutil

from .paths import HOME
from .programs import run
from .progress import Failure

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = ("sid", "bookworm")  # sid has the newest packages; a package may be asked for as name/bookworm
WORK = HOME / "apt"
REMEDY = "check the network and apt's configuration (`apt-get update`), then run again."


def download(packages, into):
    """Extract the packages into the folder `into`.

    The folder exists afterwards only if all went well.
    """
    if not shutil.which("apt-get") or not os.path.exists(KEYRING):
        raise Failure(
            "this machine has no apt-get, or not the keys of Debian's archive.",
            "use Debian, or install the package debian-archive-keyring.",
        )
    shutil.rmtree(WORK, ignore_errors=True)
    part = into.with_name(into.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial", "packages"):
        (WORK / folder).mkdir(parents=True)
    read_package_lists()
    run(["apt-get", *options(), "download", *packages], REMEDY, cwd=WORK / "packages")
    for package in sorted((WORK / "packages").glob("*.deb")):
        run(["dpkg-deb", "--extract", package, part], REMEDY)
    shutil.rmtree(WORK)
    shutil.rmtree(into, ignore_errors=True)
    part.rename(into)


def options():
    """Return the options of apt for the private folder, which accept only verified packages."""
    settings = {
        "Dir::Etc::sourcelist": WORK / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::Lists": WORK / "lists",
        "Dir::Cache": WORK / "cache",
        "APT::Update::Error-Mode": "any",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::Languages": "none",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"  # apt's own user may not be allowed into the checkout
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def read_package_lists():
    failures = []
    for mirror in mirrors():
        sources = [f"deb [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in SUITES]
        (WORK / "sources.list").write_text("".join(sources))
        try:
            run(["apt-get", *options(), "update"], REMEDY)
            return
        except Failure as failure:
            failures += [f"{mirror}: {line}" for line in failure.tried[-2:]]
    raise Failure("no mirror of apt's configuration gave Debian's package lists.", REMEDY, failures)


def mirrors():
    """Return the mirrors of Debian's archive in the apt configuration of the machine.

    The security archive is left out.
    """
    uris = run(["apt-get", "update", "--print-uris"], REMEDY)
    found = re.findall(r"^'(\S+)/dists/[^/']+/InRelease'", uris, re.MULTILINE)
    return [mirror for mirror in dict.fromkeys(found) if "security" not in mirror]
