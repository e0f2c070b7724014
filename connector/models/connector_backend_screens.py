"""Aspect of ``connector.backend``: the views, the action and the menu of a model without its own.

The views are those of ``connector.backend`` in ``views/connector_backend_views.xml``, with the
fields that each model adds.
"""

from lxml.builder import E
from markupsafe import Markup

from odoo import api, fields, models

from ..credentials.secret_char import SecretChar
from .connector_default_screens import put_around


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    def _all_screen_fields(self):
        """Return what authors name, else what people enter: stored fields, of one value each."""
        return super()._all_screen_fields() or [
            name
            for name, field in self._fields.items()
            if name not in (*self.env["connector.backend"]._fields, *models.MAGIC_COLUMNS)
            and field.store
            and not field.compute
            and field.type not in ("one2many", "many2many")
            and field.groups != fields.NO_ACCESS
        ]

    # Views

    @api.model
    def _get_default_form_view(self):
        view = self._arch_of("connector.connector_backend_view_form")
        single, many = self._screen_nodes(self._all_screen_fields(), "invisible")
        self._put_at_version(view, single)
        pages = [E.page(node, string=self._fields[node.get("name")]._description_string(self.env)) for node in many]
        view.find(".//notebook").extend(pages)
        return view

    @api.model
    def _get_default_list_view(self):
        view = self._arch_of("connector.connector_backend_view_list")
        names = [name for name in self._all_screen_fields() if name not in self._secret_fields()]
        single, _many = self._screen_nodes(names, "column_invisible", optional="hide")
        self._put_at_version(view, single)
        for location in view.findall(f"field[@name='{self._location_field}']"):
            location.set("optional", "show")
        return view

    @api.model
    def _get_default_search_view(self):
        view = self._arch_of("connector.connector_backend_view_search")
        self._put_at_version(view, self._searched_nodes())
        return view

    def _put_at_version(self, view, nodes):
        """Put elements after the version, or in its place if the system has no versions."""
        version = view.find(".//field[@name='version']")
        put_around(version, [], nodes)
        if not self._fields["version"].get_values(self.env):
            for node in (version, *view.findall(".//filter[@name='group_by_version']")):
                node.getparent().remove(node)

    def _screen_nodes_of(self, name, **attributes):
        field = self._fields[name]
        if isinstance(field, SecretChar):
            return self._secret_nodes(name)
        if name == self._location_field and field.type == "char":
            attributes["widget"] = "url"
        return super()._screen_nodes_of(name, **attributes)

    def _secret_nodes(self, name):
        """Return the elements for a secret.

        If it is the only one, it has to be entered while the backend has none. Of several, a system
        may need some.
        """
        secret = {"name": name, "password": "True", "groups": "connector.group_connector_manager"}
        if self._secret_fields() != [name]:
            return [E.field(secret, placeholder=self.env._("What is stored is not shown"))]
        absent = {"required": "not known_credentials and not credentials_error", "invisible": "known_credentials"}
        stored = {"invisible": "not known_credentials"}
        return [
            E.field({**secret, **absent}),
            E.field({**secret, **stored}, placeholder=self.env._("Stored. Enter another one to replace it")),
        ]

    # Action and menu

    def _register_hook(self):
        """Look when the data are loaded: an action of the author takes their place."""
        super()._register_hook()
        if self.pool.updated_modules and not self._abstract:
            self._ensure_menu()

    def _ensure_menu(self):
        """Create the action and the menu of the model, or delete them if its addon has an action.

        They belong to that addon, and have the name of the model. What somebody has changed in them
        by hand stays.
        """
        name = {"name": self._description}
        action = self._ensure_defaults(
            "ir.actions.act_window",
            {f"action_{self._table}_default": {**name, "res_model": self._name, "view_mode": "list,form"}},
            of_model=[("res_model", "=", self._name)],
        )
        parent = self.env.ref("connector.menu_connector_backends")
        menu = self._ensure_defaults(
            "ir.ui.menu",
            {
                f"menu_{self._table}_default": {
                    **name,
                    "parent_id": parent.id,
                    "action": f"{action._name},{action.id}",
                }
            },
            is_wanted=bool(action),
        )
        self._translate_names(action, menu)

    def _translate_names(self, *records):
        """Translate names as the model's, unless somebody has changed them."""
        model = self.env["ir.model"]._get(self._name)
        for lang, _label in self.env["res.lang"].get_installed():
            label = model.with_context(lang=lang).name
            for record in records:
                shown = record.with_context(lang=lang)
                if shown and shown.name == self._description != label:
                    shown.name = label

    @api.model
    def get_empty_list_help(self, help_message):
        """Say what to do where there is no backend yet, unless the action says it."""
        connect = self.env._("Connect a system: enter its address and who you are there, and test the connection")
        return super().get_empty_list_help(
            help_message or Markup("<p class='o_view_nocontent_smiling_face'>%s</p>") % connect
        )
