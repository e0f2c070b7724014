"""A database for the tests of connectors to copy, made if it is not there: `python -m scripts.template shop`. The last line is its name."""

import sys

from . import databases, postgres
from .progress import command

TEMPLATES = {
    "shop": lambda: databases.template(databases.SHOP, demo=True),
    "orders": databases.template,
}


def main():
    with postgres.running():
        print(TEMPLATES[sys.argv[1]]())


if __name__ == "__main__":
    command(main)
