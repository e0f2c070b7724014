"""Migration: the forms of partners and products show their bindings without views of this addon."""


def migrate(cr, version):
    """Switch off the views that show a field that is gone; Odoo deletes them after the update.

    Until then they would let the update of another view of these forms fail.
    """
    cr.execute(
        "UPDATE ir_ui_view SET active = FALSE WHERE id IN (SELECT res_id FROM ir_model_data WHERE module = 'connector_odoo' "
        "AND model = 'ir.ui.view' AND name IN ('res_partner_view_form', 'product_template_view_form'))"
    )
