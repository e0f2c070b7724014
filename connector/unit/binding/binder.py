"""The binder: links between Odoo records and records of the external system.

It looks them up one by one, or a page of them by one query.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import Any

from odoo import models
from odoo.models import BaseModel

from odoo.addons.jobs_queue.by_code import JOB, by_code

from ...backend import general
from ...event.no_export import without_export
from ...exception import InvalidDataError
from ..connector_unit import ConnectorUnit, Environment, external_id_text
from ..types import ExternalId, RecordOrId, Values
from .clock import database_now


@general
class Binder(ConnectorUnit):
    """Links between the records of a binding model and their external ids.

    It works on any model that inherits ``external.binding``. For another model, a subclass names
    the fields that hold the same values.

    External ids are stored as text: ``42`` and ``"42"`` are the same id. ``0`` is an id. None,
    False and "" are not.
    """

    _external_field: str = "external_id"
    _backend_field: str = "backend_id"
    _odoo_field: str = "odoo_id"
    _sync_date_field: str = "sync_date"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._found: defaultdict[str, dict[Any, BaseModel]] | None = None

    def remember(self) -> None:
        """Cache every binding that is found, as long as this binder lasts.

        It is for a page of records that point to the same ones. An id that was not found is looked
        up again.
        """
        self._found = defaultdict(dict)  # field name -> value -> binding

    def is_binding_model(self) -> bool:
        """Return whether the records of the model have an external id."""
        return {self._external_field, self._backend_field} <= self.model._fields.keys()

    def to_internal(self, external_id: ExternalId | None, unwrap: bool = False) -> BaseModel:
        """Return the binding of an external id.

        :param external_id: id in the external system
        :param unwrap: return the bound record instead of the binding
        :return: recordset of one record or none, archived ones included
        """
        for record in self.to_internal_many([external_id], unwrap).values():
            return record
        return self.env[self.unwrap_model()] if unwrap else self.model

    def to_internal_many(self, external_ids: Iterable[ExternalId | None], unwrap: bool = False) -> dict[str, BaseModel]:
        """Return the bindings of external ids, by one query.

        :param external_ids: ids in the external system
        :param unwrap: return the bound records instead of the bindings
        :return: dict, external id as text to a recordset of one record, archived ones included; ids
            without a binding are left out
        """
        texts = {external_id_text(external_id) for external_id in external_ids} - {None}
        found = self._search_by(self._external_field, texts)
        return {text: self.unwrap_binding(binding) for text, binding in found.items()} if unwrap else found

    def to_external(self, binding: RecordOrId, wrap: bool = False) -> str | None:
        """Return the external id of a binding, None if it has none.

        :param binding: record or id of the binding model
        :param wrap: ``binding`` is the bound record; its binding is looked up first
        """
        for external_id in self.to_external_many([binding], wrap).values():
            return external_id
        return None

    def to_external_many(self, bindings: Iterable[RecordOrId], wrap: bool = False) -> dict[int, str]:
        """Return the external ids of bindings, by one query.

        :param bindings: records or ids of the binding model
        :param wrap: ``bindings`` are the bound records; their bindings are looked up first
        :return: dict, id of the given record to the external id as text; records without an
            external id are left out
        """
        given = {record_id: binding for binding in bindings if (record_id := _id(binding))}
        found = self._search_by(self._odoo_field, given.keys()) if wrap else self._records(given)
        for record in found.values():
            if record._name != self.model._name:
                raise InvalidDataError(f"{record} is not a binding, which {self.model._name} is: say wrap=True")
        return {
            record_id: binding[self._external_field]
            for record_id, binding in found.items()
            if binding[self._external_field]
        }

    def bind(self, external_id: ExternalId, binding: RecordOrId) -> None:
        """Store the external id of a binding and mark it as in sync now.

        This change is not exported.

        :param external_id: id in the external system
        :param binding: record or id of the binding model
        :raise InvalidDataError: ``external_id`` is not an external id
        """
        bound = without_export(self.model.browse(_id(binding)), self.backend_record)
        bound.write(self.bind_values(external_id, binding))

    def bind_values(self, external_id: ExternalId, binding: RecordOrId | None = None) -> Values:
        """Return the values that :meth:`bind` writes.

        They are for code that creates or writes a binding together with other values.

        :param external_id: id in the external system
        :param binding: record or id of the binding model, for the message of the error
        :raise InvalidDataError: ``external_id`` is not an external id
        """
        return {self._external_field: self._valid_text(external_id, binding), **self.sync_values()}

    def bind_many(self, bindings: Mapping[Any, RecordOrId]) -> None:
        """Store the external ids of bindings and mark them as in sync now; this is not exported.

        The common values are written by one call. An external id is written only where it differs
        from the stored one.

        :param bindings: dict, id in the external system to a record or id of the binding model
        :raise InvalidDataError: a key is not an external id, or a binding is given for two ids
        """
        texts: dict[int, str] = {}
        for external_id, binding in bindings.items():
            text = self._valid_text(external_id, binding)
            other = texts.setdefault(_id(binding), text)
            if other != text:
                names = {"binding": binding, "one": repr(other), "other": repr(text)}
                raise InvalidDataError(
                    self._("%(binding)s cannot be bound to two external ids: %(one)s and %(other)s", **names)
                )
        bound = without_export(self.model.browse(texts), self.backend_record)
        bound.write(self.sync_values())
        for binding in bound:
            if binding[self._external_field] != texts[binding.id]:
                binding.write({self._external_field: texts[binding.id]})

    def unwrap_binding(self, binding: RecordOrId) -> BaseModel:
        """Return the bound record of a binding, given as record or id."""
        return self.model.browse(_id(binding))[self._odoo_field]

    def unwrap_model(self) -> str:
        """Return the name of the model of the bound records."""
        return self.model._fields[self._odoo_field].comodel_name

    def _records(self, bindings: Mapping[int, RecordOrId]) -> dict[int, BaseModel]:
        """Return the records for a dict of id to record or id.

        Records that were given as such keep the prefetch set that they have.
        """
        return {
            record_id: binding
            if isinstance(binding, models.BaseModel)
            else self.model.browse(record_id).with_prefetch(bindings)
            for record_id, binding in bindings.items()
        }

    def sync_values(self) -> Values:
        """Return the values, beside the external id, of a binding that was just synchronised."""
        values = {self._sync_date_field: database_now(self.environment), "sync_state": "in_sync", "sync_error": False}
        if job_id := by_code(self.env.context, JOB):
            values["last_job_id"] = job_id
        return {name: value for name, value in values.items() if name in self.model._fields}

    def _valid_text(self, external_id: ExternalId | None, binding: RecordOrId | None) -> str:
        text = external_id_text(external_id)
        if text is None:
            names = {"id": repr(external_id), "what": self.model._name if binding is None else binding}
            raise InvalidDataError(self._("%(id)s is not an external id: %(what)s cannot be bound to it", **names))
        return text

    def _search_by(self, field_name: str, values: Set[Any]) -> dict[Any, BaseModel]:
        """Return the bindings of this backend whose field has one of the values, by one query.

        :return: dict, value to binding
        """
        if self._found is None:
            return self._search(field_name, values)
        found = self._found[field_name]
        if unknown := values - found.keys():
            found.update(self._search(field_name, unknown))
        return {value: found[value] for value in values if value in found}

    def _search(self, field_name: str, values: Set[Any]) -> dict[Any, BaseModel]:
        """Look up for :meth:`_search_by`.

        Archived bindings count. Bindings that the user may not read count too: their external id is
        taken. The user gets an error from Odoo when the binding is read later.
        """
        if not values:
            return {}
        if field_name not in self.model._fields or self._backend_field not in self.model._fields:
            raise InvalidDataError(
                f"{self.model._name} is no binding model, as it has no {field_name} and {self._backend_field}: "
                "name the binding model of its records, or register a binder for it"
            )
        domain = [(field_name, "in", list(values)), (self._backend_field, "=", self.backend_record.id)]
        names = [name for name in (self._external_field, self._odoo_field) if name in self.model._fields]
        bindings = self.model.sudo().with_context(active_test=False).search_fetch(domain, names, order="id")
        found: dict[Any, BaseModel] = {}
        for binding, mine in zip(bindings, bindings.with_env(self.env), strict=True):
            value = _id(binding[field_name])
            if value in found:
                raise InvalidDataError(
                    self._(
                        "%(model)s has several bindings with %(field)s = %(value)s of %(backend)s: %(ids)s",
                        model=self.model._name,
                        field=field_name,
                        value=repr(value),
                        backend=self.environment.backend_name,
                        ids=f"{found[value].id}, {binding.id}",
                    )
                )
            found[value] = mine
        if field_name == self._external_field and found.keys() != values:
            found.update(self._aliased(values - found.keys()))
        return found

    def _aliased(self, external_ids: Iterable[str | None]) -> dict[str, BaseModel]:
        """Return the bindings of which some external ids are aliases, as a dict by the id.

        See ``models/connector_external_alias.py``.
        """
        ids = self.env["connector.external.alias"]._of(self.model._name, self.backend_record, external_ids)
        return {text: self.model.browse(binding_id) for text, binding_id in ids.items()}

    def is_alias(self, external_id: ExternalId | None, binding: BaseModel) -> bool:
        """Return whether an external id is not the binding's, but was merged into its record."""
        text = external_id_text(external_id)
        return bool(binding) and text != binding[self._external_field] and text in self._aliased({text})


def _id(record: Any) -> Any:
    """Return the id of a record; anything else, such as an id, is returned as it is."""
    return record.id if isinstance(record, models.BaseModel) else record


ConnectorUnit._binder = Binder
