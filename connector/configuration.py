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


def number(name, default, least=0):
    """Return an option that is a whole number.

    :param least: the smallest that makes sense
    :raise ValueError: it is none, or smaller
    """
    value = section().get(name, str(default)).strip()
    if not value.isdecimal() or int(value) < least:
        raise ValueError(f"{config['config']}, section [connector]: {name} = {value} is no number of {least} or more")
    return int(value)
