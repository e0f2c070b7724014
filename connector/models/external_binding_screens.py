"""Aspect of ``external.binding``: the views of binding models whose addons bring none.

They are the views of ``external.binding`` in ``views/external_binding_views.xml``, with those
fields that each model declares itself.
"""

from lxml.builder import E

from odoo import api, models

from .connector_default_screens import put_around


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"

    def _link_fields(self):
        """Return the names of the fields that say what is bound, and where."""
        return [name for name in ("odoo_id", "backend_id") if name in self._fields]

    @api.model
    def _get_default_form_view(self):
        view = self._arch_of("connector.external_binding_view_form")
        single, many = self._screen_nodes(self._all_screen_fields(), "invisible", readonly="1")
        links = [E.field(name=name, readonly="1") for name in self._link_fields()]
        view.find(".//group[@name='record']").extend([*links, *single])
        view.find("sheet").extend(many)
        return view

    @api.model
    def _get_default_list_view(self):
        view = self._arch_of("connector.external_binding_view_list")
        single, _many = self._screen_nodes(self._all_screen_fields(), "column_invisible", optional="show")
        links = [E.field(name=name) for name in self._link_fields()]
        put_around(view.find("field[@name='external_id']"), links, single)
        return view

    @api.model
    def _get_default_kanban_view(self):
        view = self._arch_of("connector.external_binding_view_kanban")
        title, *links = self._link_fields()
        place = view.find(".//div[@name='links']")
        place.append(E.field({"name": title, "class": "fw-bold text-break"}))
        place.extend(E.field({"name": name, "class": "text-muted"}) for name in links)
        single, _many = self._screen_nodes(self._all_screen_fields(), "invisible")
        for node in single:
            label = self._fields[node.get("name")]._description_string(self.env)
            hidden = node.get("invisible") or f"not {node.get('name')}"
            place.append(E.div(f"{label}: ", node, invisible=hidden))
        return view

    @api.model
    def _get_default_search_view(self):
        view = self._arch_of("connector.external_binding_view_search")
        links = [E.field(name=name) for name in self._link_fields()]
        put_around(view.find("field[@name='external_id']"), links, self._searched_nodes())
        label = self._fields["backend_id"]._description_string(self.env)
        by_backend = E.filter(name="group_by_backend", string=label, context="{'group_by': 'backend_id'}")
        view.find("group").insert(0, by_backend)
        return view
