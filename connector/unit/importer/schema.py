"""Schema of what a system sends: the fields that a mapping reads, counted in each listing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from odoo.addons.jobs_queue.exception import FailedJobError

from ...exception import NoConnectorUnitError
from ...extension import class_name
from ..types import ExternalRecord


def check_and_count(importer: Any, records: Collection[ExternalRecord], listing: str) -> None:
    """Check a page of a listing for required fields, and count those that the mapping reads.

    The counts are kept until the listing is closed. See
    :class:`~odoo.addons.connector.models.connector_external_field.ConnectorExternalField`.

    :param importer: unit of the model
    :param records: records as the adapter reads them, with all of their fields
    :param listing: which listing they are of
    :raise FailedJobError: none of the records has a field that the mapper requires
    """
    try:
        mapper = importer.mapper
    except NoConnectorUnitError:
        return  # the connector imports the model without one
    if not records:
        return
    counts = {field: sum(field in record for record in records) for field in sorted(mapper.expected_fields)}
    if missing := [field for field in sorted(mapper.required_fields) if not counts[field]]:
        raise FailedJobError(
            importer._(
                "None of %(number)s records of %(backend)s has “%(fields)s”, which %(mapper)s requires. If it has another name there "
                "now, change the mapper; then requeue the job.",
                number=len(records),
                backend=importer.environment.backend_name,
                fields="”, “".join(missing),
                mapper=class_name(type(mapper)),
            )
        )
    counted = importer.env["connector.listing.count"].sudo()
    counted._add(importer.backend_record, listing, len(records), counts)
