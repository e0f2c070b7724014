"""Field type: a text that can be entered but not read, such as a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

#: Comment on the columns of secrets: data/neutralize.sql finds them by it.
COLUMN_COMMENT = "secret of a connector"

_OPTIONS = ("string", "help", "groups", "size")
_OPTIONS_OF_ODOO = {"_base_fields__", "inherited"}
_IDENTITY = {"_base_fields__", "model_name", "name", "_module", "_modules"}


class SecretChar(fields.Char):
    """A secret of a backend, such as a token: people enter it, and only code reads it.

    ::

        class ShopBackend(models.Model):
            _name = "shop.backend"
            _inherit = "connector.backend"

            token = SecretChar(help="Enter it again when the location changes.")

    - ``backend.sudo().token`` is the secret, or False. It is that of the server's configuration
      where there is one, see ``configuration.py``. Without ``sudo()`` it is False, whoever reads it
      and in whatever way.
    - On a form that is not saved, as in an onchange, it is what was entered there, even with
      ``sudo()``: the form may name another server than the one that the stored secret is for.
    - Nobody can search, sort, group or filter by it, not even with ``sudo()``: that would tell it
      letter by letter. In code, ``backends.sudo().filtered("token")`` finds those that have one.
    - Who may write the backend may write it. Blanks around it are left out. An empty value that a
      user writes keeps the stored secret; see ``connector_backend_credentials.py``.
    - It is not copied, tracked, translated, indexed or exported, and has no default; neither if it
      replaces a field that has these options.

    :param string: label of the field
    :param help: tooltip of the field
    :param groups: who may write it, as external ids of groups; by default who may write the backend
    :param size: maximum characters
    :raise TypeError: it has another option, or its model is no backend
    """

    copy = False
    prefetch = False
    exportable = False

    def __init__(self, *args: Any, **options: Any) -> None:
        refused = sorted(options.keys() - {*_OPTIONS})
        if refused and _OPTIONS_OF_ODOO.isdisjoint(options):
            raise TypeError(
                f"SecretChar({refused[0]}=...): a secret is stored as it is entered, and only code reads it. "
                f"Its options are {', '.join(_OPTIONS)}."
            )
        super().__init__(*args, **options)

    def _get_attrs(self, model_class: type[models.BaseModel], name: str) -> dict[str, Any]:
        attrs = super()._get_attrs(model_class, name)
        if "_base_fields__" not in self._args__:
            return attrs
        # it replaces a field of this name, which may be tracked or computed
        return {name: value for name, value in attrs.items() if name in _IDENTITY.union(_OPTIONS)}

    def setup_nonrelated(self, model: models.BaseModel) -> None:
        super().setup_nonrelated(model)
        if not model._abstract and not hasattr(model, "_secret_of_server"):
            raise TypeError(f"{self} is a SecretChar: {model._name} must inherit connector.backend")

    # Who relates to a secret does not give it away
    _related_groups = property(lambda self: fields.NO_ACCESS)

    # What the client offers
    _description_searchable = False

    def _description_sortable(self, env: Any) -> bool:
        return False

    def _description_groupable(self, env: Any) -> bool:
        return False

    # Reading

    def __get__(self, record: models.BaseModel | None, owner: Any = None) -> Any:
        if record is None:
            return self
        if not record.env.su:
            return False
        if len(record) == 1 and not self.inherited:
            if not record.id:
                # a form that is not saved may name another server: it has what was entered there
                return self._get_cache(record.env).get(record._ids[0]) or False
            if secret := record._secret_of_server(self.name):
                return secret
        return super().__get__(record, owner)

    def stored(self, record: models.BaseModel) -> str | bool:
        """Return the secret that the database has, to code that works by ``sudo()``; or False.

        The server's configuration is not asked: it may have another one, or a mistake.
        """
        return record.env.su and (fields.Char.__get__(self, record) or False)

    def convert_to_record(self, value: Any, record: models.BaseModel) -> Any:
        return super().convert_to_record(value, record) if record.env.su else False

    def read(self, records: models.BaseModel) -> None:
        """Fetch the secrets of these records into the cache, for code that may read them."""
        query = SQL(
            "SELECT id, %s FROM %s WHERE id = ANY(%s)",
            SQL.identifier(self.name),
            SQL.identifier(records._table),
            list(records._ids),
        )
        values = dict(records.env.execute_query(query))
        self._insert_cache(records, [values.get(record_id) for record_id in records._ids])

    # Writing

    def convert_to_cache(self, value: Any, record: models.BaseModel, validate: bool = True) -> str | None:
        text = super().convert_to_cache(value, record, validate)
        return (text and text.strip()) or None

    def update_db_column(self, model: models.BaseModel, column: dict[str, Any] | None) -> None:
        super().update_db_column(model, column)
        name = SQL.identifier(model._table, self.name)
        model.env.cr.execute(SQL("COMMENT ON COLUMN %s IS %s", name, COLUMN_COMMENT))

    # Searching: domains, order and groups all come here

    def to_sql(self, model: models.BaseModel, alias: str) -> NoReturn:
        self._refuse(model)

    def filter_function(
        self, records: models.BaseModel, field_expr: str, operator: str, value: Any
    ) -> Callable[[models.BaseModel], Any]:
        self._refuse(records)

    def _refuse(self, model: models.BaseModel) -> NoReturn:
        raise AccessError(
            model.env._(
                "%(field)s of %(model)s is a secret: nobody can search, sort, group or filter by it.",
                field=self._description_string(model.env),
                model=model._description,
            )
        )
