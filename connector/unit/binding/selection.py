"""The domain of an export flow: which records of Odoo it is for."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterable
from functools import cached_property

from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import SQL

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.texts import shown

#: What a domain may raise that names a field that is gone, or compares what cannot be compared.
_UNUSABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


class UnusableDomain(FailedJobError):
    """The domain of an export flow cannot be used; nothing is exported in its place."""


def record_field(model: BaseModel) -> str | None:
    """Return the field of a binding model that points to its record, None if it binds none."""
    return next(iter(model._inherits.values()), "odoo_id" if "odoo_id" in model._fields else None)


def record_model(model: BaseModel) -> str:
    """Return the name of the model that the domain of an export flow is about."""
    field = record_field(model)
    return model._fields[field].comodel_name if field else model._name


class Selection:
    """The records that people have chosen for an export flow.

    They are looked at with all rights: what is exported does not depend on who has caused it.
    Archived records are not left out: the policy for them decides.

    :param model: binding model, as a recordset
    :param text: the domain, as it is stored
    :param label: name of the flow, for messages
    """

    def __init__(self, model: BaseModel, text: str, label: str) -> None:
        self._model = model.sudo().with_context(active_test=False).browse()
        self._text, self._label = text, label
        self._field = record_field(model)
        self._records = self._model.env[record_model(model)]

    @cached_property
    def domain(self) -> Domain:
        """The domain over the records.

        :raise UnusableDomain: it cannot be used, and why
        """
        try:
            domain = Domain(literal_eval(self._text))
            domain.validate(self._records)
        except _UNUSABLE as error:
            raise self._unusable(error) from error
        return domain

    def has(self, binding: BaseModel) -> bool:
        """Return whether the record of a binding is chosen."""
        bound = self._model.browse(binding.id)
        return self.has_record(bound[self._field] if self._field else bound)

    def has_record(self, record: BaseModel) -> bool:
        """Return whether a record is chosen. Nothing is written to the database for that."""
        try:
            return bool(self._records.browse(record.id).filtered_domain(self.domain))
        except _UNUSABLE as error:
            raise self._unusable(error) from error

    def of_bindings(self) -> Domain:
        """Return the domain that finds the bindings of chosen records."""
        return Domain(self._field, "any", self.domain) if self._field else self.domain

    def among(self, bindings: BaseModel) -> BaseModel:
        """Return those of some bindings whose records are chosen, by one query."""
        if not bindings:
            return bindings
        return bindings.browse(self._model.search(Domain("id", "in", bindings.ids) & self.of_bindings()).ids)

    def unbound(self, backend: BaseModel, record_ids: Iterable[int] | None = None) -> BaseModel:
        """Return the chosen records that have no binding to a backend.

        Archived ones, and those of another company than the backend's, are left out.

        :param record_ids: ids of the records that are asked about; None: all
        """
        if not self._field:
            return self._records
        model, field = self._model, self._field
        model.flush_model([field, "backend_id"])

        def is_unbound(_model: BaseModel, alias: str, _query: object) -> SQL:
            return SQL(
                "NOT EXISTS (SELECT FROM %s bound WHERE bound.backend_id = %s AND bound.%s = %s)",
                SQL.identifier(model._table),
                backend.id,
                SQL.identifier(field),
                SQL.identifier(alias, "id"),
            )

        asked = Domain.TRUE if record_ids is None else Domain("id", "in", list(record_ids))
        records = self._records.with_context(active_test=True)
        return records.search(
            asked & self.domain & self._of_company(backend) & Domain.custom(to_sql=is_unbound), order="id"
        )

    def _of_company(self, backend: BaseModel) -> Domain:
        company = backend.sudo().company_id
        if not company or "company_id" not in self._records._fields:
            return Domain.TRUE
        return Domain("company_id", "in", [False, company.id])

    def may_bind(self, record_id: int, backend: BaseModel) -> bool:
        """Return whether :meth:`unbound` would find a record without a binding; it asks nothing."""
        record = self._records.browse(record_id)
        is_active = "active" not in record._fields or record.active
        return bool(is_active and record.filtered_domain(self._of_company(backend)) and self.has_record(record))

    def bind(self, backend: BaseModel, record_ids: Iterable[int]) -> BaseModel:
        """Give the chosen ones of some records a binding, and return the bindings.

        :raise UniqueViolation: another transaction has bound one of them meanwhile
        """
        unbound = self.unbound(backend, record_ids)
        return self._model.create([{"backend_id": backend.id, self._field: record.id} for record in unbound])

    def field_names(self) -> set[str]:
        """Return the names of the fields of the records on which the domain depends."""
        return {condition.field_expr.partition(".")[0] for condition in self.domain.iter_conditions()}

    def _unusable(self, error: Exception) -> UnusableDomain:
        if isinstance(error, UnusableDomain):
            return error
        return UnusableDomain(
            self._model.env._(
                "What is exported by the flow “%(flow)s” cannot be found by its filter %(filter)s: %(reason)s\n"
                "Nothing is exported until somebody corrects the filter on the flow.",
                flow=self._label,
                filter=shown(self._text),
                reason=error,
            )
        )
