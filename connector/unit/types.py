"""Types of what units take and return: ids and records of external systems, values, binders."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from odoo import api
from odoo.models import BaseModel

#: The id of a record in the external system. It is stored as text, and 0 is one.
ExternalId: TypeAlias = str | int
#: A record of the external system, as an adapter reads it.
ExternalRecord: TypeAlias = Mapping[str, Any]
#: What is mapped: a record of the external system, or one of Odoo.
Source: TypeAlias = ExternalRecord | BaseModel
#: Values by the names of fields, of Odoo's or of the external system's.
Values: TypeAlias = dict[str, Any]
#: The record of a binding model, or its id.
RecordOrId: TypeAlias = BaseModel | int


class Links(Protocol):
    """The interface of the binder, for units below it.

    See :class:`~odoo.addons.connector.unit.binding.binder.Binder`.
    """

    _external_field: str
    _backend_field: str
    _odoo_field: str
    _sync_date_field: str

    @property
    def model(self) -> BaseModel: ...

    @property
    def environment(self) -> Any: ...

    @property
    def backend_record(self) -> BaseModel: ...

    @property
    def env(self) -> api.Environment: ...

    @property
    def _(self) -> Callable[..., str]: ...

    def remember(self) -> None: ...

    def is_binding_model(self) -> bool: ...

    def to_internal(self, external_id: ExternalId | None, unwrap: bool = False) -> BaseModel: ...

    def to_internal_many(
        self, external_ids: Iterable[ExternalId | None], unwrap: bool = False
    ) -> dict[str, BaseModel]: ...

    def to_external(self, binding: RecordOrId, wrap: bool = False) -> str | None: ...

    def to_external_many(self, bindings: Iterable[RecordOrId], wrap: bool = False) -> dict[int, str]: ...

    def bind(self, external_id: ExternalId, binding: RecordOrId) -> None: ...

    def bind_values(self, external_id: ExternalId, binding: RecordOrId | None = None) -> Values: ...

    def bind_many(self, bindings: Mapping[Any, RecordOrId]) -> None: ...

    def unwrap_binding(self, binding: RecordOrId) -> BaseModel: ...

    def unwrap_model(self) -> str: ...

    def sync_values(self) -> Values: ...

    def is_alias(self, external_id: ExternalId | None, binding: BaseModel) -> bool: ...
