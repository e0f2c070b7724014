"""Policies: what a connector does where the two sides disagree, and people may decide otherwise."""

from collections.abc import Mapping

#: Name of a policy to its choices. The first one holds where nobody has decided otherwise.
POLICIES: dict[str, tuple[str, ...]] = {
    # changed on both sides
    "conflict": ("odoo_wins", "external_wins", "newest", "ask"),
    # deleted there
    "missing": ("fail", "recreate", "archive"),
    # deleted here
    "deleted": ("delete", "keep"),
    # archived here
    "archived": ("export", "keep", "delete"),
    # not in the domain of the export any more
    "left": ("keep", "archive", "ask"),
    # several records there with one match key
    "duplicates": ("ask", "create", "bind_first"),
}


def check_policy(where: str, name: str, choice: object) -> None:
    """Check that a policy exists, and has a choice.

    :param where: which class names them, for the error
    :raise ValueError: it does not
    """
    if name not in POLICIES:
        raise ValueError(f"{where}: there is no policy {name!r}. The policies are {', '.join(POLICIES)}")
    if choice not in POLICIES[name]:
        raise ValueError(f"{where} is {choice!r}: it must be one of {', '.join(POLICIES[name])}")


def check_policies(where: str, policies: Mapping[str, str]) -> None:
    """Check the policies of a class; see :func:`check_policy`."""
    for name, choice in policies.items():
        check_policy(f"{where}[{name!r}]", name, choice)
