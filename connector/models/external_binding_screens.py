"""Aspect of ``external.binding``: the views of binding models whose addons bring none.

They are the views of ``external.binding`` in ``views/external_binding_views.xml``, with those
fields that each model declares itself.
"""

from lxml.builder import E

from odoo import api, models

_OF_MANY = ("one2many", "many2many")
_SEARCHED = ("char", "text", "many2one", "selection")


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"

    #: Names of fields that the views show besides those of all bindings. A class that extends the
    #: model names only those that it adds.
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

    def _link_fields(self):
        """Return the names of the fields that say what is bound, and where."""
        return [name for name in ("odoo_id", "backend_id") if name in self._fields]

    @api.model
    def _get_default_form_view(self):
        view = self._view_of_all_bindings("form")
        single, many = self._screen_nodes("invisible", readonly="1")
        links = [E.field(name=name, readonly="1") for name in self._link_fields()]
        view.find(".//group[@name='record']").extend([*links, *single])
        view.find("sheet").extend(many)
        return view

    @api.model
    def _get_default_list_view(self):
        view = self._view_of_all_bindings("list")
        single, _many = self._screen_nodes("column_invisible", optional="show")
        links = [E.field(name=name) for name in self._link_fields()]
        _put_around(view.find("field[@name='external_id']"), links, single)
        return view

    @api.model
    def _get_default_kanban_view(self):
        view = self._view_of_all_bindings("kanban")
        title, *links = self._link_fields()
        place = view.find(".//div[@name='links']")
        place.append(E.field({"name": title, "class": "fw-bold text-break"}))
        place.extend(E.field({"name": name, "class": "text-muted"}) for name in links)
        single, _many = self._screen_nodes("invisible")
        for node in single:
            label = self._fields[node.get("name")]._description_string(self.env)
            hidden = node.get("invisible") or f"not {node.get('name')}"
            place.append(E.div(f"{label}: ", node, invisible=hidden))
        return view

    @api.model
    def _get_default_search_view(self):
        view = self._view_of_all_bindings("search")
        fields = [self._fields[name] for name in self._all_screen_fields()]
        links = [E.field(name=name) for name in self._link_fields()]
        searched = [
            E.field(name=field.name) for field in fields if field.type in _SEARCHED and field._description_searchable
        ]
        _put_around(view.find("field[@name='external_id']"), links, searched)
        label = self._fields["backend_id"]._description_string(self.env)
        by_backend = E.filter(name="group_by_backend", string=label, context="{'group_by': 'backend_id'}")
        view.find("group").insert(0, by_backend)
        return view

    def _view_of_all_bindings(self, kind):
        return self.env.ref(f"connector.external_binding_view_{kind}").sudo()._get_combined_arch()

    def _screen_nodes(self, hidden, **attributes):
        """Return elements for the fields that the author names.

        :param hidden: attribute that hides the currency of an amount, which is needed to show it
        :return: ``(elements of one value each, elements of many records each)``
        """
        single, many = [], []
        for name in self._all_screen_fields():
            field = self._fields[name]
            if field.type == "monetary":
                single.append(E.field({"name": field.get_currency_field(self), hidden: "1"}))
            (many if field.type in _OF_MANY else single).append(E.field(name=name, **attributes))
        return single, many


def _put_around(node, before, after):
    for other in before:
        node.addprevious(other)
    for other in reversed(after):
        node.addnext(other)
