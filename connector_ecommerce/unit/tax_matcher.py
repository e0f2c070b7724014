"""Taxes of a shop, matched with ours by their rates."""

from odoo.addons.connector import ConnectorUnit, general

_TOLERANCE = 0.01  # percent


@general
class TaxMatcher(ConnectorUnit):
    """Finds the sale taxes of the company that have the rates of a line in the shop.

    A tax of the country of the delivery goes before one of the company's own country. What the shop
    says with tax needs a tax that is in the price, and the other way round.
    """

    def match(self, rates, included, country, company):
        """Return the taxes of a line.

        A rate of 0, like no rate, is no tax.

        :param rates: list of Decimal, percent
        :param included: whether the price is with tax
        :param country: res.country record of the delivery
        :param company: res.company record
        :return: account.tax recordset; None: there is none with one of the rates
        """
        wanted = tuple(rate for rate in rates if rate)
        name = f"taxes {wanted} {included} {country.id} {company.id}"
        return self.environment.open(name, lambda: self._find(wanted, included, country, company))

    def _find(self, rates, included, country, company):
        taxes = self.env["account.tax"].sudo().with_company(company)
        for rate in rates:
            domain = [
                *taxes._check_company_domain(company),
                ("type_tax_use", "=", "sale"),
                ("amount_type", "=", "percent"),
                ("amount", ">=", float(rate) - _TOLERANCE),
                ("amount", "<=", float(rate) + _TOLERANCE),
                ("price_include", "=", included),
                ("country_id", "in", (country.id, company.account_fiscal_country_id.id)),
                ("id", "not in", taxes.ids),  # a line may have the same rate twice
            ]
            found = taxes.search(domain)
            if not found:
                return None
            taxes += min(found, key=lambda tax, rate=rate: _fitness(tax, rate, country))
        return taxes


def _fitness(tax, rate, country):
    """Return a key by which the tax that fits best is the least."""
    return tax.country_id != country, abs(tax.amount - float(rate)), tax.sequence, tax.id
