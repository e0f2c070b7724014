"""Registration per database: the code of an addon counts only where the addon is installed.

Python code is loaded once in a process, by the first database that needs it. Each database has its
own set of installed addons. So a registration remembers the addon whose code made it, and all
look-ups are done *for a registry*.
"""

import functools
import math
import sys
from typing import Any

from odoo.modules.module import Manifest
from odoo.modules.registry import Registry

from .odoo_patches import installed_addons

# Counts registrations: results of look-ups from before the last one are not used any more
_generation = 0


def registering_addon(depth: int = 2) -> str | None:
    """Return the addon whose code is registering something, None for code that belongs to no addon.

    This is the addon of the calling code, not of the registered code. An addon may subscribe a
    consumer of another addon; the subscription belongs to the addon that subscribes. Registrations
    by no addon (a script, an interactive shell) exist in every database of the process.

    :param depth: how many frames above this function the registering code is
    """
    return addon_of(sys._getframe(depth).f_globals.get("__name__", ""))


def addon_of(module_name: str) -> str | None:
    """Return the addon to which a Python module belongs, None if it belongs to none.

    :param module_name: such as ``odoo.addons.sale.models.sale_order``
    """
    package, _, rest = module_name.partition("odoo.addons.")
    return rest.partition(".")[0] if not package and rest else None


def is_installed(registry: Registry, addon: str | None) -> bool:
    """Return whether an addon is installed in the registry, or is being installed and loaded.

    :param addon: None counts as installed
    """
    return addon is None or addon in installed_addons(registry)


@functools.cache
def loading_order(addon: str | None) -> tuple[float, str | None]:
    """Return a sort key for addons: dependencies first, then by name.

    It is needed because the set of installed addons has no order.
    """
    manifest = addon and Manifest.for_addon(addon, display_warning=False)
    if not manifest:
        return math.inf, addon or ""
    return 1 + max((loading_order(name)[0] for name in manifest["depends"]), default=0), addon


def registration_changed() -> None:
    """Forget the look-ups of all registries, as something was registered or removed."""
    global _generation
    _generation += 1


def lookups(registry: Registry) -> dict[Any, Any]:
    """Return the dict in which a registry keeps the results of look-ups.

    While a registry is being loaded, its set of addons still grows. So nothing is kept: the dict is
    a new one each time. When an addon was installed, upgraded or removed, the registry is loaded
    again. It is then a new object, and starts with an empty dict.
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
