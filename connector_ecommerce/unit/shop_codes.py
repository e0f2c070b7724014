"""Base of the units that find what is decided here for a code of the shop."""

from odoo.addons.connector import ConnectorUnit, add_checkpoint, lock_to_create


class ShopCodes(ConnectorUnit):
    """Finds the records of a model for the codes of the shop; for a new code it makes one.

    It looks in the database each time: a record that was made may be undone with a page of orders.
    """

    #: name of a model that inherits ``connector.shop.code``
    _code_model: str

    @property
    def _codes(self):
        return self.env[self._code_model].sudo()

    def _record_of(self, code, values, message):
        """Return the record of a code; one that is new here gets one, and one checkpoint.

        :param code: the shop's code
        :param values: function without arguments that returns the values of a new record
        :param message: of the checkpoint
        """
        if found := self._find(self.env, code):
            return found
        backend = self.backend_record
        name = f"{self._codes._description} {code} of {backend._reference()}"
        lock_to_create(self.binder_for(), name, lambda env: self._find(env, code))
        record = self._codes.create({"backend_id": backend._reference(), "code": code, **values()})
        add_checkpoint(self.session, record._name, record.id, backend, message, severity="warning")
        return record

    def _find(self, env, code):
        codes = env[self._code_model].sudo()
        return codes.search([*codes._of_backend(self.backend_record), ("code", "=", code)], limit=1)
