"""Functions ``write_connector`` and ``add_model``: write a connector, and add a model to one.

The command ``odoo connector_scaffold`` calls them.
"""

import re
import shutil
from keyword import iskeyword
from pathlib import Path

from .places import with_items, with_line
from .rendering import PROTOCOLS, Names, render

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MODEL = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


def write_connector(service, directory, protocol="rest"):
    """Write the addon ``connector_<service>``, ready to be installed, tested and changed.

    It imports customers as partners.

    :param service: name of the external system, valid as a name in Python: ``shop``
    :param directory: path of the folder in which the addon is written
    :param protocol: what the system speaks, one of :data:`~.rendering.PROTOCOLS`
    :return: path of the addon
    :raise ValueError: the name or the protocol is not valid
    :raise FileExistsError: the addon exists already
    """
    _check_name(service, "a connector", "my_shop")
    if protocol not in PROTOCOLS:
        raise ValueError(f"{protocol!r} is no protocol: take one of {', '.join(PROTOCOLS)}")
    addon = Path(directory) / f"connector_{service}"
    if addon.exists():
        raise FileExistsError(f"{addon} exists already: remove it, or choose another name or directory")
    names = Names(service, protocol, "res.partner", "customer")
    files = render(names, "addon", PROTOCOLS[protocol])
    _write(addon, {**files, **_files_of_model(files, names)})
    return addon


def add_model(service, directory, model, record=None, depends=None):
    """Add a model to the addon ``connector_<service>``: its binding, flow, units and tests.

    If anything is refused, nothing at all is written.

    :param service: name of the external system
    :param directory: path of the folder in which the addon is
    :param model: name of the model of Odoo: ``product.product``
    :param record: what the system calls one of its records, by default the last word of the model
    :param depends: name of the addon that has the model, None if the connector depends on it
        already
    :return: path of the addon
    :raise ValueError: a name is not valid, or a place of the addon is not as this command knows it
    :raise FileNotFoundError: there is no such connector, or one of its files is missing
    :raise FileExistsError: the addon has the model already
    """
    _check_name(service, "a connector", "my_shop")
    if not _MODEL.fullmatch(model):
        raise ValueError(f"{model!r} is no name of a model: take one such as product.product")
    record = record or model.split(".")[-1]
    _check_name(record, "a kind of record", "product, by --record")
    if depends:
        _check_name(depends, "an addon", "product")
    addon = Path(directory) / f"connector_{service}"
    files = {path.relative_to(addon).as_posix(): path.read_text() for path in addon.rglob("*.py")}
    names = Names(service, _protocol_of(files, addon, service), model, record)
    _check_places(files, addon, names)
    _write(addon, _files_of_model(files, names, depends))
    return addon


def _check_name(name, what, example):
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise ValueError(
            f"{name!r} is no name for {what}: take small letters, digits and single underscores, such as {example}"
        )


def _protocol_of(files, addon, service):
    """Return the protocol of a connector, by the base class of its adapter.

    :raise FileNotFoundError: it is no connector
    :raise ValueError: the class is not found
    """
    if "__manifest__.py" not in files or f"{service} = Backend(" not in files.get("backend.py", ""):
        raise FileNotFoundError(
            f"{addon} is no connector: an addon is expected there whose backend.py has {service} = Backend(...)"
        )
    names = Names(service, "rest", "res.partner", "customer")
    found = re.search(rf"class {names.adapter}\((Rest|GraphQL|Rpc)Adapter\)", files["backend.py"])
    if not found:
        raise ValueError(
            f"{addon}/backend.py has no class {names.adapter} of RestAdapter, GraphQLAdapter or RpcAdapter, from which the "
            "adapter of the model would inherit: add it, or move it there from adapter.py"
        )
    return {"Rest": "rest", "GraphQL": "graphql", "Rpc": "xmlrpc"}[found[1]]


def _check_places(files, addon, names):
    """Check that a model is not there yet, and that what its files refer to is.

    :raise FileExistsError: it is there
    :raise FileNotFoundError: a file is missing
    :raise ValueError: something is missing in a file
    """
    for name, content in files.items():
        if re.search(rf"^\s+_name = .{re.escape(names.binding)}.$", content, re.MULTILINE):
            raise FileExistsError(f"{addon}/{name} has the model {names.binding} already")
    for name in render(names, "model"):
        if (addon / name).exists() or (addon / name).with_suffix("").exists():
            raise FileExistsError(f"{addon}/{name} exists already: give the records another name by --record")
    places = [
        ("__init__.py", ""),
        ("tests/__init__.py", ""),
        ("tests/common.py", f"class {names.case}("),
        ("tests/common.py", "class RightsCase("),
        ("tests/common.py", "def assertManagersRun("),
        ("tests/system.py", "class System"),
    ]
    for name, content in places:
        if name not in files:
            raise FileNotFoundError(f"{addon}/{name} is missing: the files of a model refer to it, so add it")
        if content not in files[name]:
            raise ValueError(f"{addon}/{name} has no {content!r}, to which the files of a model refer: add it")


def _files_of_model(files, names, depends=None):
    """Return the files that a model adds to an addon, and those that it changes.

    :param files: dict, path of a file in the addon to its content
    :raise ValueError: a list of the manifest is not found
    """
    modules = {"__init__.py": names.record, "tests/__init__.py": f"test_{names.record}"}
    return {
        **render(names, "model"),
        "__manifest__.py": with_items(files["__manifest__.py"], "depends", [depends] if depends else []),
        **{name: with_line(files[name], f"from . import {module}") for name, module in modules.items()},
    }


def _write(addon, files):
    """Write files into a folder; if one cannot be written, none is.

    :param files: dict, path in the folder to content
    """
    former = {name: (addon / name).read_text() for name in files if (addon / name).exists()}
    try:
        for name, content in files.items():
            (addon / name).parent.mkdir(parents=True, exist_ok=True)
            _replace(addon / name, content)
    except BaseException:  # Ctrl-C, too
        if not former:
            shutil.rmtree(addon, ignore_errors=True)
        for name in files.keys() - former.keys():
            (addon / name).unlink(missing_ok=True)
        for name, content in former.items():
            _replace(addon / name, content)
        raise


def _replace(path, content):
    """Write a file beside its place, then put it there: if that fails, what was there stays."""
    written = path.with_name(f"{path.name}.new")
    try:
        written.write_text(content)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
