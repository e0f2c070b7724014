"""Mixin ``connector.default.screens``: what models choose that have no views of their own."""

from lxml.builder import E

from odoo import models

_OF_MANY = ("one2many", "many2many")
_SEARCHED = ("char", "text", "many2one", "selection")


class ConnectorDefaultScreens(models.AbstractModel):
    """Mixin of backends and bindings: the views of models whose addons bring none.

    Odoo asks for such a view by ``_get_default_form_view()`` and the like. It is the view of all
    backends or of all bindings, with fields of the model. A primary view of an addon replaces it.
    """

    _name = "connector.default.screens"
    _description = "Default Screens of Connectors"

    #: Names of fields that the views show besides those of all models of the kind. A class that
    #: extends the model names only those that it adds.
    _screen_fields: tuple[str, ...] = ()

    def init(self):
        """Refuse names of fields that the model does not have.

        :raise TypeError: there is such a name
        """
        if unknown := [name for name in self._all_screen_fields() if name not in self._fields]:
            raise TypeError(f"_screen_fields of {self._name} has {', '.join(unknown)}: the model has no such field")
        super().init()

    def _all_screen_fields(self):
        """Return what all classes of the model name in ``_screen_fields``, the oldest first."""
        classes = reversed(type(self).mro())
        return list(dict.fromkeys(name for class_ in classes for name in vars(class_).get("_screen_fields", ())))

    def _arch_of(self, xmlid):
        """Return the arch of a view, with what addons change in it, to be changed further."""
        return self.env.ref(xmlid).sudo()._get_combined_arch()

    def _screen_nodes(self, names, hidden, **attributes):
        """Return elements for some fields of the model.

        :param hidden: attribute that hides the currency of an amount, which is needed to show it
        :return: ``(elements of one value each, elements of many records each)``
        """
        single, many = [], []
        for name in names:
            field = self._fields[name]
            if field.type == "monetary":
                single.append(E.field({"name": field.get_currency_field(self), hidden: "1"}))
            (many if field.type in _OF_MANY else single).extend(self._screen_nodes_of(name, **attributes))
        return single, many

    def _screen_nodes_of(self, name, **attributes):
        """Return the elements for a field; a hook."""
        return [E.field(name=name, **attributes)]

    def _searched_nodes(self):
        """Return elements for those fields of the model by which people search."""
        fields = [self._fields[name] for name in self._all_screen_fields()]
        return [
            E.field(name=field.name) for field in fields if field.type in _SEARCHED and field._description_searchable
        ]


def put_around(node, before, after):
    """Put elements before and after an element of a view."""
    for other in before:
        node.addprevious(other)
    for other in reversed(after):
        node.addnext(other)
