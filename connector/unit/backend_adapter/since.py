"""How an adapter asks for records changed since a time, declared as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from odoo import fields

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.texts import shown

from ...exception import InvalidDataError
from .dates import as_datetime
from .json_paths import check_path, value_at

_UNIX = "%s"
_NO_DATE = "0000-00-00"


@dataclass(frozen=True, kw_only=True)
class Since:
    """The parameter of a list that asks for what has changed since a time.

    ``changed = Since(parameter="updated_since", order="updated_at")``

    The importers then find what has changed, and know when. Each of their hooks may be overridden:
    ``_filters_since``, ``_get_next_watermark``, ``_overlap`` and ``_get_external_date``.

    :param parameter: name of the parameter for the time
    :param until: name of the parameter for the time up to which is asked, None if there is none
    :param order: JMESPath to the date of the last change in a record, None if it has none: ISO
        8601, in UTC unless it names a zone, or seconds or milliseconds since 1970
    :param lag_seconds: seconds by which the next import looks back. More than a change takes to be
        seen in the list
    :param form: how a time is written, as for :meth:`datetime.strftime`, in UTC; ``%s``: seconds
        since 1970
    """

    parameter: str
    until: str | None = None
    order: str | None = None
    lag_seconds: float = 300
    form: str = "%Y-%m-%dT%H:%M:%SZ"

    def __post_init__(self) -> None:
        for name in ("parameter", "until"):
            value = getattr(self, name)
            if not (value is None and name == "until") and not (isinstance(value, str) and value):
                raise ValueError(f"Since, {name} is {shown(value)}: it must be the name of a parameter")
        if self.order is not None:
            check_path(self.order, "Since, order")
        if isinstance(self.lag_seconds, bool) or not isinstance(self.lag_seconds, int | float) or self.lag_seconds < 0:
            raise ValueError(f"Since, lag_seconds is {shown(self.lag_seconds)}: it must be seconds, not negative")
        if not isinstance(self.form, str) or "%" not in self.form:
            raise ValueError(f"Since, form is {shown(self.form)}: it must be such as '%Y-%m-%d %H:%M:%S'")

    @property
    def lag(self) -> timedelta:
        return timedelta(seconds=self.lag_seconds)

    def filters(self, watermark: str | None, began: datetime) -> dict[str, Any] | None:
        """Return the filters that find what has changed since a watermark.

        :param watermark: text, as it is stored; None: nothing was imported yet
        :param began: up to which time is asked, a naive datetime in UTC
        :return: dict, None for all records
        :raise FailedJobError: somebody has entered a watermark that is no time
        """
        if watermark is None:
            return None
        try:
            since = fields.Datetime.to_datetime(watermark)
        except ValueError:
            raise FailedJobError(
                f"The watermark {shown(watermark)} is no time: enter one in the backend, such as 2026-01-31 08:15:00, or empty it"
            ) from None
        until = {} if self.until is None else {self.until: self._written(began)}
        return {self.parameter: self._written(since), **until}

    def date_of(self, record: Any) -> datetime | None:
        """Return when a record was last changed: a naive datetime in UTC, None if it does not say.

        Zeros, as in ``0000-00-00 00:00:00``, are no date: databases write them for nothing.

        :raise InvalidDataError: what it says is no date
        """
        value = None if self.order is None else value_at(self.order, record)
        if value is None or value == "" or (isinstance(value, str) and value.strip().startswith(_NO_DATE)):
            return None
        try:
            return as_datetime(value)
        except (OverflowError, OSError, TypeError, ValueError):
            raise InvalidDataError(
                f"{self.order}, which is the order of Since, is {shown(value)}, which is no date: name another place, "
                "or override _get_external_date() of the importer"
            ) from None

    def _written(self, moment: datetime) -> str | int:
        if self.form == _UNIX:
            return int(moment.replace(tzinfo=UTC).timestamp())
        return moment.strftime(self.form)
