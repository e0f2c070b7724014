"""Extensions of unit classes: several addons add to the same unit.

The class as it stands in the source is called the written class. For each database, one class is
combined from the written class and the extensions of the installed addons. An extension is a class.
Any number of addons may extend the same unit without knowing each other::

    @shop(extends=ProductMapper)
    class ProductMapperWeight(ProductMapper):
        direct = [("weight", "weight")]

        def finalize(self, map_record, values):
            return super().finalize(map_record, values)

An extension is written as a subclass of the class that it extends, so that editors and readers know
what ``self`` is. A class without that base works as well. ``super()`` calls the next extension, and
at the end the written class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .exception import ExtensionConflict


@dataclass(frozen=True)
class Extension:
    """The registration of a class that extends a unit.

    :param extension_class: class that is added
    :param extended: class to which it is added, and so to all its subclasses
    :param addon: addon that made the registration; None: it exists in every database
    """

    extension_class: type[Any]
    extended: type[Any]
    addon: str | None

    def __str__(self) -> str:
        return f"{class_name(self.extension_class)} of the addon {self.addon}"


def parts_of(unit_class: type[Any], extensions: Sequence[Extension]) -> list[type[Any]]:
    """Return the classes of which a unit consists, in the order of method resolution, as a list.

    They are: the extensions of the class, the class itself, the extensions of its first base, that
    base, and so on.

    :param unit_class: written class
    :param extensions: list of :class:`Extension` to apply; the last one has the highest precedence
    """
    parts: dict[type[Any], bool] = {}  # as an ordered set: an extension may be among the bases already
    for written in unit_class.__mro__:
        for extension in reversed(extensions):
            if extension.extended is written:
                parts[extension.extension_class] = True
        parts[written] = True
    return list(parts)


def combine(unit_class: type[Any], extensions: Sequence[Extension]) -> type[Any]:
    """Return a written class combined with its extensions; the class itself if it has none.

    :param unit_class: written class
    :param extensions: list of :class:`Extension` to apply; the last one has the highest precedence
    :raise ExtensionConflict: Python finds no order in which each class comes before its bases
    """
    parts = parts_of(unit_class, extensions)
    if parts == list(unit_class.__mro__):
        return unit_class
    # All parts but `object` are named as bases: Python keeps their order or raises an error
    bases = tuple(part for part in parts if part is not object)
    namespace: dict[str, Any] = {name: getattr(unit_class, name) for name in ("__module__", "__qualname__", "__doc__")}
    namespace["_written_class"] = unit_class
    try:
        return type(unit_class.__name__, bases, namespace)
    except TypeError as error:
        applied = [extension for extension in extensions if extension.extension_class in parts]
        raise ExtensionConflict(
            f"The extensions of {class_name(unit_class)} cannot be combined, as their bases contradict each other: "
            f"{', '.join(map(str, applied))}. An addon that builds on the extension of another one must depend on it. ({error})"
        ) from error


def written_parts(unit_class: type[Any]) -> list[type[Any]]:
    """Return the written classes of a combined class, in the order of method resolution."""
    return [part for part in unit_class.__mro__ if "_written_class" not in vars(part)]


def written_class(unit_class: type[Any]) -> type[Any]:
    """Return the written class of a combined class; the class itself if it has no extensions."""
    return vars(unit_class).get("_written_class", unit_class)


def class_name(cls: type) -> str:
    """Return the complete name of a class, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"
