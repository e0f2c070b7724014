"""Aspect of ``base``: the page of connectors on the forms of records that are bound.

Odoo keeps a view until an addon is installed or removed, so nothing of it depends on the record.
"""

from lxml import etree

from odoo import api, models

_USER = "connector.group_connector_user"


class Base(models.AbstractModel):
    _inherit = "base"

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form" and self.env["connector.bound.record"]._paths_to(self):
            _add_page(arch, self.env._("Connectors"))
        return arch, view


def _add_page(arch, title):
    """Show the bindings on the page “connector” of a form, and badges to who is no connector user.

    A page of that name that is there is used, and becomes visible. A form without a notebook, such
    as that of a wizard, stays as it is.
    """
    notebooks = arch.xpath(
        "//notebook[not(ancestor::field or ancestor-or-self::*[@invisible='1' or @invisible='True'])]"
    )
    if not notebooks:
        return
    notebook = notebooks[0]
    pages = [page for found in notebooks for page in found.findall("page[@name='connector']")]
    page = pages[0] if pages else etree.SubElement(notebook, "page", name="connector", string=title, groups=_USER)
    page.attrib.pop("invisible", None)
    page.insert(0, etree.Element("widget", name="connector_bindings"))
    notebook.addprevious(etree.Element("widget", name="connector_bindings", groups=f"!{_USER}"))
