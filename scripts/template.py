"""Template database for the tests of connectors: make it unless it exists, print its name.

The command is `python -m scripts.template shop`. The name is the last line that it prints.
"""

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
