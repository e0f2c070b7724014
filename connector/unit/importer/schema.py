"""Schema of what a system sends: the fields that a mapping reads, counted in each listing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from odoo.addons.jobs_queue.exception import FailedJobError

from ...exception import NoConnectorUnitError
from ...extension import class_name
from ..types import ExternalRecord


def check_and_count(importer: Any, records: Collection[ExternalRecord], listing: str | None) -> None:
    """Check a page of a batch for required fields, and count those that the mapping reads.

    The counts are kept until the listing is closed. See
    :class:`~odoo.addons.connector.models.connector_external_field.ConnectorExternalField`.

    :param importer: record importer of the model
    :param records: records as the adapter lists or reads them
    :param listing: which listing they are of, None if no job closes it: then they are not counted
    :raise FailedJobError: none of the whole records has a field that the mapper requires
    """
    mapper = _mapper_of(importer)
    records = [record for record in records if importer._is_whole(record)]
    if mapper is None or not records:
        return
    kinds = Counter(map(tuple, records))  # most records of a page have the same fields
    counts = {
        field: sum(number for kind, number in kinds.items() if field in kind)
        for field in sorted(mapper.expected_fields)
    }
    if missing := [field for field in sorted(mapper.required_fields) if not counts[field]]:
        raise FailedJobError(_text_of_missing(importer, mapper, records, missing))
    if listing:
        counted = importer.env["connector.listing.count"].sudo()
        counted._add(importer.backend_record, listing, len(records), counts)


def _text_of_missing(importer: Any, mapper: Any, records: list[ExternalRecord], missing: list[str]) -> str:
    names = {
        "backend": importer.environment.backend_name,
        "fields": "”, “".join(missing),
        "mapper": class_name(type(mapper)),
    }
    if len(records) == 1:
        return importer._(
            "Record %(id)s of %(backend)s has no “%(fields)s”, which %(mapper)s requires, and its page has no other whole record. "
            "If the field has another name there now, change the mapper; if a record may lack it, do not require it. "
            "Then requeue the job.",
            id=importer.backend_adapter.id_of(records[0]),
            **names,
        )
    return importer._(
        "None of %(number)s records of %(backend)s has “%(fields)s”, which %(mapper)s requires. If it has another name there "
        "now, change the mapper; then requeue the job.",
        number=len(records),
        **names,
    )


def requires_fields(importer: Any) -> bool:
    """Return whether the mapper of a model requires fields.

    :param importer: any importer of the model
    """
    mapper = _mapper_of(importer)
    return mapper is not None and bool(mapper.required_fields)


def _mapper_of(importer: Any) -> Any:
    """Return the mapper of a model, None if the connector imports the model without one."""
    try:
        return importer.mapper
    except NoConnectorUnitError:
        return None
