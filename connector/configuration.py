"""What the section ``[connector]`` of Odoo's configuration file says."""

import configparser

from odoo.tools import config


def section():
    """Return the options of the section as a dictionary of strings; empty without a file or a section.

    :raise ValueError: the file is not readable as a configuration file
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read([config["config"]] if config["config"] else [])
    except configparser.Error as error:
        raise ValueError(f"The configuration file {config['config']} cannot be read: {error}") from error
    return dict(parser["connector"]) if parser.has_section("connector") else {}


def number(name, default):
    """Return an option that is a number of 0 or more.

    :raise ValueError: it is none
    """
    value = section().get(name, str(default)).strip()
    if not value.isdecimal():
        raise ValueError(f"{config['config']}, section [connector]: {name} = {value} is no number of 0 or more")
    return int(value)
