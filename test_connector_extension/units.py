"""Extensions of the units of the imaginary shop, for its version 2.0 only."""

from odoo.addons.connector.unit.mapper.mapper import mapping
from odoo.addons.test_connector.units import PartnerImportMapper, webshop_2


@webshop_2(extends=PartnerImportMapper)
class PartnerImportMapperRemark(PartnerImportMapper):
    direct = [("remark", "remark")]

    @mapping
    def function(self, record):
        return {"function": "customer"}
