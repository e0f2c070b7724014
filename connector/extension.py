"""Units that several addons extend: for each database one class is made of the written class and the extensions of its addons.

An extension is a class; any number of addons may extend the same unit without knowing each other::

    @shop(extends=ProductMapper)
    class ProductMapperWeight(ProductMapper):
        direct = [("weight", "weight")]

        def finalize(self, map_record, values):
            return super().finalize(map_record, values)

It is written as a subclass of what it extends, so that editors and readers know what ``self`` is; a class without that base works as
well. ``super()`` leads from each extension to the next one, and at last to the written class.
"""

from dataclasses import dataclass

from .exception import ExtensionConflict


@dataclass(frozen=True)
class Extension:
    """The registration of a class that extends a unit.

    :param extension_class: what is added
    :param extended: the class it is added to, and so to all its subclasses
    :param addon: whose extension it is, None: of every database
    """

    extension_class: type
    extended: type
    addon: str | None

    def __str__(self):
        return f"{class_name(self.extension_class)} of the addon {self.addon}"


def parts_of(unit_class, extensions):
    """Return the classes of which a unit consists, in the order in which Python looks for a method, as a list.

    They are the extensions of the class, the class, the extensions of its first base, that base, and so on.

    :param unit_class: class as it is written
    :param extensions: list of :class:`Extension` to apply, the one that goes first last
    """
    parts = {}  # as an ordered set: an extension may be among the bases already
    for written in unit_class.__mro__:
        for extension in reversed(extensions):
            if extension.extended is written:
                parts[extension.extension_class] = True
        parts[written] = True
    return list(parts)


def combine(unit_class, extensions):
    """Return the class that a unit is with its extensions: the written class itself where there are none.

    :param unit_class: class as it is written
    :param extensions: list of :class:`Extension` to apply, the one that goes first last
    :raise ExtensionConflict: Python finds no order in which all the classes come before their bases
    """
    parts = parts_of(unit_class, extensions)
    if parts == list(unit_class.__mro__):
        return unit_class
    # Each part but `object` is named as a base: so they keep this order, or Python refuses
    bases = tuple(part for part in parts if part is not object)
    namespace = {name: getattr(unit_class, name) for name in ("__module__", "__qualname__", "__doc__")}
    namespace["_written_class"] = unit_class
    try:
        return type(unit_class.__name__, bases, namespace)
    except TypeError as error:
        applied = [extension for extension in extensions if extension.extension_class in parts]
        raise ExtensionConflict(
            f"The extensions of {class_name(unit_class)} cannot be combined, as their bases contradict each other: "
            f"{', '.join(map(str, applied))}. An addon that builds on the extension of another one must depend on it. ({error})"
        ) from error


def written_parts(unit_class):
    """Return the classes of which a unit that was looked up consists, as somebody has written them, in the order of method resolution."""
    return [part for part in unit_class.__mro__ if "_written_class" not in vars(part)]


def written_class(unit_class):
    """Return the class that was extended to the one that was looked up: itself where it has no extensions."""
    return vars(unit_class).get("_written_class", unit_class)


def class_name(cls):
    """Return the complete name of a class, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"
