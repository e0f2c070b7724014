"""Registration per database: what an addon registers exists only where that addon is installed.

Python code is loaded once a process, by whichever database needs it first; which addons are installed differs from database to
database. So a registration remembers the addon whose code made it, and everything registered is looked up *for a registry*.
"""

import functools
import math
import sys
from typing import Any

from odoo.modules.module import Manifest
from odoo.modules.registry import Registry

# Counts registrations: what was looked up before the last one is looked up again
_generation = 0


def registering_addon(depth: int = 2) -> str | None:
    """Return the addon whose code is registering something, None for code that belongs to no addon.

    It is the code that calls, not the code that is registered: an addon may subscribe a consumer of another one, and that
    subscription is its own. What no addon registered (a script, an interactive shell) exists in every database of the process.

    :param depth: how many frames above this function the registering code is
    """
    return addon_of(sys._getframe(depth).f_globals.get("__name__", ""))


def addon_of(module_name: str) -> str | None:
    """Return the addon to which a Python module belongs, None when it belongs to none.

    :param module_name: such as ``odoo.addons.sale.models.sale_order``
    """
    package, _, rest = module_name.partition("odoo.addons.")
    return rest.partition(".")[0] if not package and rest else None


def is_installed(registry: Registry, addon: str | None) -> bool:
    """Return whether ``addon`` is installed, or being installed and loaded, in the registry; None always is."""
    return addon is None or addon in registry._init_modules


@functools.cache
def loading_order(addon: str | None) -> tuple[float, str | None]:
    """Return a key that sorts addons: the ones an addon depends on before it, by name among equals.

    The set ``registry._init_modules`` has no order of its own.
    """
    manifest = addon and Manifest.for_addon(addon, display_warning=False)
    if not manifest:
        return math.inf, addon or ""
    return 1 + max((loading_order(name)[0] for name in manifest["depends"]), default=0), addon


def registration_changed() -> None:
    """Forget, in every registry, what was looked up: something has been registered or removed."""
    global _generation
    _generation += 1


def lookups(registry: Registry) -> dict[Any, Any]:
    """Return the dict in which a registry keeps what has been looked up.

    While a registry is being loaded its set of addons still grows, so nothing is kept: the dict is a new one each time. A
    registry that is loaded again (an addon was installed, upgraded, removed) is a new object and starts with an empty one.
    """
    if not registry.ready:
        return {}
    try:
        generation, found = registry._jobs_queue_lookups
    except AttributeError:
        generation = None
    if generation != _generation:
        found = {}
        registry._jobs_queue_lookups = _generation, found
    return found
