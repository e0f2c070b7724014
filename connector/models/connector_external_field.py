"""Fields that external systems send: how often they were there, and which have vanished."""

import logging
from collections import Counter

from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.jobs_queue.exception import CONCURRENCY_ERRORS
from odoo.addons.jobs_queue.session import ConnectorSession

from ..unit.checkpoint import add_checkpoint

_logger = logging.getLogger(__name__)

#: Records that have to be seen before anything is expected of a field.
_ENOUGH = 200
#: Part of them that had the field: only then it is expected.
_MOST = 0.9
#: Records in a row, and listings, without an expected field until people are told.
_ABSENT_RECORDS, _ABSENT_LISTINGS = 100, 2
#: Records from which on those of long ago count half, so that the figures follow the system.
_LONG_AGO = 10_000


class ConnectorExternalField(models.Model):
    """A field of the records of an external system that a mapper reads.

    A system that gives a field another name makes no import fail: a value that is not sent is not
    written. So somebody is told when a field that nearly all records had is in none of the last
    ones. Only listings count, as they have whole records; what webhooks bring may be a part.

    A field is expected if most of the records up to the last listing that had it, or up to the one
    before, had it. So an expectation ends only when a second listing has the field at the lower
    rate. A field that is renamed in the midst of a listing is in a part of its records, and in none
    of the next one: it is still expected then, and its absence is told.
    """

    _name = "connector.external.field"
    _description = "Field of an External System"
    _log_access = False

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    model_name = fields.Char(required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)
    seen = fields.Integer(readonly=True, aggregator=None, help="Records of listings in which the field was")
    had = fields.Integer(readonly=True, aggregator=None, help="Those of them that had it")
    is_expected = fields.Boolean(readonly=True, help="Nearly all records had it, before the last listing or with it")
    absent_records = fields.Integer(readonly=True, aggregator=None, help="Records since the last one that had it")
    absent_listings = fields.Integer(readonly=True, aggregator=None, help="Listings since then")
    checkpoint_id = fields.Many2one("connector.checkpoint", readonly=True, ondelete="set null")

    _place_uniq = models.UniqueIndex("(backend_model, backend_id, model_name, name)")

    @api.model
    def _note_listing(self, backend, model_name, listing):
        """Take the counts of a listing, tell people which fields have vanished, and which are back.

        Whatever goes wrong with that, the watermark moves.

        :param model_name: name of the binding model
        :param listing: which listing is closed
        """
        total, counts = self.env["connector.listing.count"]._take(listing)
        if not total:
            return
        try:
            with self.env.cr.savepoint():
                self._note_counts(backend, model_name, total, counts)
        except CONCURRENCY_ERRORS:
            raise  # the job is run again, and sees what the other transaction has done
        except Exception:
            _logger.exception("The fields of %s of %s cannot be noted", model_name, backend.display_name)

    def _note_counts(self, backend, model_name, total, counts):
        """Note how many of the records of a listing had which fields.

        :param counts: dict, field to the number of records
        """
        place = {"backend_model": backend._name, "backend_id": backend.id, "model_name": model_name}
        of_model = [(name, "=", value) for name, value in place.items()]
        known = self.search_fetch(of_model)
        unread = known.filtered(lambda field: field.name not in counts)  # no mapper reads them any more
        unread._close()
        unread.unlink()
        if new := sorted(counts.keys() - set((known - unread).mapped("name"))):
            self._ensure(place, new)
            known = self.search_fetch(of_model)
        for field in known - unread:
            field._note(backend, total, counts[field.name])

    def _ensure(self, place, names):
        """Create the rows of some fields, unless another transaction does it at the same time.

        The first two listings of a model may end together. An INSERT then waits until the other
        transaction has ended, in one order of the names, so that the two do not wait for each
        other. If it has created the row, a job, which is REPEATABLE READ, does not see that row:
        PostgreSQL raises a SerializationFailure in place of a violation of the index, and the job
        is run again at once. A cursor that is READ COMMITTED goes on, and its next statement sees
        the row.

        :param place: dict, the other columns
        :param names: sorted list
        """
        self.env.cr.execute(
            SQL(
                "INSERT INTO connector_external_field (backend_model, backend_id, model_name, name) "
                "SELECT %s, %s, %s, unnest(%s::varchar[]) ON CONFLICT DO NOTHING",
                *place.values(),
                names,
            )
        )

    def _note(self, backend, total, had):
        """Note how many records of a listing had the field."""
        values = {"absent_records": 0, "absent_listings": 0}
        if not had:
            values = {"absent_records": self.absent_records + total, "absent_listings": self.absent_listings + 1}
        if had or not self.is_expected:
            half = 2 if self.seen > _LONG_AGO else 1
            values |= {"seen": self.seen // half + total, "had": self.had // half + had}
            values["is_expected"] = _is_frequent(self.seen, self.had) or _is_frequent(values["seen"], values["had"])
        self.write(values)  # at once, as each listing notes all its fields
        if had:
            self._close()
            return
        is_gone = self.absent_records >= _ABSENT_RECORDS and self.absent_listings >= _ABSENT_LISTINGS
        if is_gone and self.is_expected and not self.checkpoint_id:
            self.checkpoint_id = add_checkpoint(
                ConnectorSession.from_env(self.env),
                backend._name,
                backend.id,
                backend,
                self.env._(
                    "%(backend)s no longer sends “%(field)s” of %(records)s: none of the last %(number)s records had it. What is made of "
                    "it is not updated any more. If it has another name there now, change the mapper.",
                    backend=backend.display_name,
                    field=self.name,
                    records=self.env[self.model_name]._description,
                    number=self.absent_records,
                ),
                severity="warning",
            )

    def _close(self):
        """Mark the checkpoints of the fields as reviewed, and forget them."""
        if checkpoints := self.checkpoint_id:
            checkpoints.filtered(lambda checkpoint: checkpoint.state == "need_review")._mark_reviewed()
            self.checkpoint_id = False


def _is_frequent(seen, had):
    return seen >= _ENOUGH and had >= _MOST * seen


class ConnectorListingCount(models.Model):
    """How many records of a page of a listing had which fields, until the listing is closed.

    Each page adds a row of its own, so no page waits for another one, and none of them fails
    because two have changed one row. The row is committed with the end of the page's job. So a page
    that is run again counts once, and the job that closes the listing, which begins when all pages
    are done, sees all rows.
    """

    _name = "connector.listing.count"
    _description = "Fields in a Page of a Listing"
    _log_access = False
    _rec_name = "listing"

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    listing = fields.Char(required=True, readonly=True, index=True)
    date = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    total = fields.Integer(required=True, readonly=True)
    counts = fields.Json(required=True, readonly=True)

    @api.model
    def _add(self, backend, listing, total, counts):
        self.env.cr.execute(
            "INSERT INTO connector_listing_count (backend_model, backend_id, listing, date, total, counts) "
            "VALUES (%s, %s, %s, now() AT TIME ZONE 'UTC', %s, %s)",
            (backend._name, backend.id, listing, total, Json(counts)),
        )

    @api.model
    def _take(self, listing):
        """Return the number of records, and a dict: field to how many had it; and forget both."""
        self.env.cr.execute(
            "DELETE FROM connector_listing_count WHERE listing = %s RETURNING total, counts", (listing,)
        )
        total, counts = 0, Counter()
        for of_page, had in self.env.cr.fetchall():
            total += of_page
            counts.update(had)
        return total, dict(counts)

    @api.autovacuum
    def _delete_old(self):
        """Delete what listings have left that were never closed, as a page of them has failed."""
        self.search([("date", "<", fields.Datetime.subtract(fields.Datetime.now(), months=1))]).unlink()
