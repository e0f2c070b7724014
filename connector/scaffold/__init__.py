"""Function ``write_connector``: writes the addon of a new connector.

The command ``odoo connector_scaffold`` calls it.
"""

import re
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".template"


def write_connector(service, directory):
    """Write the addon ``connector_<service>``, ready to be installed, tested and changed.

    :param service: name of the external system, valid as a name in Python: ``shop``
    :param directory: path of the folder in which the addon is written
    :return: path of the addon
    :raise ValueError: the name is not valid
    :raise FileExistsError: the addon exists already
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", service):
        raise ValueError(
            f"{service!r} is no name for a connector: take small letters, digits and single underscores, such as my_shop"
        )
    addon = Path(directory) / f"connector_{service}"
    if addon.exists():
        raise FileExistsError(f"{addon} exists already: remove it, or choose another name or directory")
    words = [word.capitalize() for word in service.split("_")]
    names = {"service": service, "class": "".join(words), "title": " ".join(words)}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        name = str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX).replace("service", service)
        file = addon / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(environment.from_string(template.read_text()).render(names))
    return addon
