"""Model of a listing: the progress of a long list that a chain of jobs imports."""

from base64 import b64decode, b64encode

from odoo import api, fields, models

from ..unit.backend_adapter.bookmark import DIGEST_SIZE, Bookmark

#: States of jobs that go on by themselves.
_ACTIVE = ("pending", "scheduled", "enqueued", "started")


class ConnectorListing(models.Model):
    """A long list of an external system, from its second job until all of it is imported.

    Each job of it, a segment, lists some pages and delays their import and the next segment. All of
    them are jobs of one graph. Rows are inserted and, by the last job, deleted: no job writes a row
    that another one writes.
    """

    _name = "connector.listing"
    _inherit = "connector.backend.part"
    _description = "Listing of an External System"
    _order = "id desc"
    _rec_name = "model_name"
    _written_by_code = (
        "backend_model",
        "backend_id",
        "company_id",
        "model_name",
        "flow",
        "times_off",
        "chosen",
        "began",
        "user_id",
        "graph_uuid",
        "key",
    )

    model_name = fields.Char(required=True, readonly=True)
    flow = fields.Char(
        required=True, readonly=True, default="", help="Of a flow that is not the first of its model: its code"
    )
    times_off = fields.Integer(readonly=True, help="How often the flow had been switched off when it began")
    chosen = fields.Char(readonly=True, help="What people had chosen of the flow when it began")
    model_description = fields.Char(string="Records", compute="_compute_model_description")
    began = fields.Datetime(required=True, readonly=True)
    user_id = fields.Many2one("res.users", string="By", readonly=True, ondelete="set null")
    graph_uuid = fields.Char(readonly=True, help="The graph of its jobs")
    key = fields.Char(readonly=True, help="By which the fields of its records are counted")
    is_of_changes = fields.Boolean(readonly=True, help="Whether it lists what has changed, and a watermark moves")
    value = fields.Char(readonly=True, string="Next Watermark")
    since = fields.Char(readonly=True, string="Watermark")
    # nobody may read the segments: a form or an export that contained them would be refused
    segment_ids = fields.One2many("connector.listing.segment", "listing_id", readonly=True, groups=fields.NO_ACCESS)
    state = fields.Selection(
        [("running", "Running"), ("stopped", "Waits for failed jobs"), ("ended", "Cancelled")],
        compute="_compute_progress",
    )
    pages = fields.Integer(string="Pages Listed", compute="_compute_progress")
    listed = fields.Integer(string="Records Listed", compute="_compute_progress")
    total = fields.Integer(string="Of", compute="_compute_progress", help="Records of the list, as the system says")
    imported = fields.Integer(compute="_compute_progress", help="Records whose job is done")
    failed_jobs = fields.Integer(compute="_compute_progress")

    _place_idx = models.Index("(backend_model, backend_id, model_name)")

    @api.depends("model_name")
    def _compute_model_description(self):
        for listing in self:
            model = self.env.get(listing.model_name)
            listing.model_description = listing.model_name if model is None else model._description

    @api.depends("segment_ids")
    def _compute_progress(self):
        for listing in self:
            segments = listing.sudo().segment_ids
            counts = listing._job_counts()
            sizes = {int(id_): size for segment in segments for id_, size in (segment.job_sizes or {}).items()}
            # done jobs are many, and may have been deleted; the others are few
            others = (
                self.env["queue.job"].sudo().search([("graph_uuid", "=", listing.graph_uuid), ("state", "!=", "done")])
            )
            listing.pages = sum(segments.mapped("pages"))
            listing.listed = sum(segments.mapped("listed"))
            listing.total = (segments[-1:].bookmark or {}).get("total") or 0
            listing.imported = sum(sizes.values()) - sum(sizes.get(id_, 0) for id_ in others.ids)
            listing.failed_jobs = counts.get("failed", 0)
            listing.state = listing._state_by(counts)

    def _job_counts(self):
        """Return a dict, state to the number of the jobs of this listing that are in it."""
        self.ensure_one()
        of_graph = [("graph_uuid", "=", self.graph_uuid)]
        return dict(self.env["queue.job"].sudo()._read_group(of_graph, ["state"], ["__count"]))

    @api.model
    def _state_by(self, counts):
        if not counts.keys().isdisjoint(_ACTIVE):
            return "running"
        return "ended" if counts.keys().isdisjoint(("failed", "wait_dependencies")) else "stopped"

    @api.model
    def _running(self, backend, model_name, flow):
        """Return the listings of what has changed whose jobs go on by themselves.

        One that waits for a failed job is none: it does not keep others from being listed.
        """
        place = [*self._of_backend(backend), ("model_name", "=", model_name), ("flow", "=", flow)]
        listings = self.search([*place, ("is_of_changes", "=", True)])
        return listings.filtered(lambda listing: listing._state_by(listing._job_counts()) == "running")

    def _told(self):
        """Return a sentence for who wants to begin the listing again."""
        self.ensure_one()
        return self.env._(
            "A listing that %(user)s began at %(began)s (UTC) still runs: pages listed: %(pages)s, records: %(listed)s. Cancel it, or "
            "wait until it has ended.",
            user=self.user_id.name or "",
            began=fields.Datetime.to_string(self.began),
            pages=self.pages,
            listed=self.listed,
        )

    def _bookmark(self, round_):
        """Return the bookmark at which a round of this listing goes on."""
        segments = self.segment_ids.filtered(lambda segment: segment.round == round_)
        if not segments:
            return Bookmark()
        records = [digest for segment in segments for digest in _digests(segment.record_digests)]
        places = [digest for segment in segments for digest in _digests(segment.place_digests)]
        return Bookmark.of(segments[-1].bookmark, records, places)

    def _listed_items(self):
        """Return the digests of all items that were listed so far."""
        return {digest for segment in self.segment_ids for digest in _digests(segment.item_digests)}

    def action_cancel(self):
        """Cancel all jobs of these listings that have not ended, also those that they delay.

        The row is deleted first. A segment that runs locks it when it inserts its own row, in the
        transaction that delays jobs: so either it is committed by now, and its jobs are cancelled
        with the others; or that INSERT fails, with all that the segment has done.
        """
        self.check_access("read")
        self._check_backends()
        graphs = self.mapped("graph_uuid")
        self.sudo().unlink()
        self.env.flush_all()
        # of all companies: a backend without a company may have jobs of any
        return self.env["queue.job"].sudo().search([("graph_uuid", "in", graphs)]).button_cancel_graph()

    def action_open_jobs(self):
        """Open the jobs of these listings."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("jobs_queue.queue_job_action_of")
        action["domain"] = [("graph_uuid", "in", self.mapped("graph_uuid"))]
        return action

    @api.autovacuum
    def _delete_ended(self):
        """Delete what is left of listings all of whose jobs were cancelled or deleted."""
        old = self.search([("began", "<", fields.Datetime.subtract(fields.Datetime.now(), days=1))])
        old.filtered(lambda listing: listing._state_by(listing._job_counts()) == "ended").unlink()


class ConnectorListingSegment(models.Model):
    """What one job of a listing has listed.

    ``bookmark`` is where the list goes on. Of items only digests are kept: of the ids of those that
    came, of the whole of those that are imported, and of cursors and links.
    """

    _name = "connector.listing.segment"
    _description = "Segment of a Listing"
    _order = "listing_id, number"
    _log_access = False
    _rec_name = "number"

    listing_id = fields.Many2one("connector.listing", required=True, readonly=True, index=True, ondelete="cascade")
    number = fields.Integer(required=True, readonly=True)
    round = fields.Integer(required=True, readonly=True, help="How often the list was begun, with this time")
    next_round = fields.Integer(required=True, readonly=True, help="That of the next segment")
    pages = fields.Integer(readonly=True, help="Pages that were not empty")
    listed = fields.Integer(readonly=True, help="Records that were not listed before, or have changed since")
    bookmark = fields.Json(readonly=True)
    item_digests = fields.Binary(attachment=False, readonly=True)
    record_digests = fields.Binary(attachment=False, readonly=True)
    place_digests = fields.Binary(attachment=False, readonly=True)
    job_sizes = fields.Json(readonly=True, help="Ids of the jobs that import what was listed, and of how many records")
    barrier_id = fields.Integer(readonly=True, help="The job that waits for all jobs so far, and its id")

    _number_uniq = models.UniqueIndex("(listing_id, number)")

    @api.model
    def _add(self, listing, number, round_, next_round, pages, items, bookmark, job_sizes, barrier_id):
        """Insert the row of a segment.

        :param items: digests of the items that are imported
        :param job_sizes: dict, id of a job to the number of its records
        """
        received = bookmark.received
        return self.create(
            {
                "listing_id": listing.id,
                "number": number,
                "round": round_,
                "next_round": next_round,
                "pages": pages,
                "listed": len(items),
                "bookmark": bookmark.state,
                "item_digests": b64encode(b"".join(items)),
                "record_digests": b64encode(b"".join(received.new_records)),
                "place_digests": b64encode(b"".join(received.new_places)),
                "job_sizes": job_sizes,
                "barrier_id": barrier_id,
            }
        )


def _digests(stored):
    joined = b64decode(stored or b"")
    return [joined[start : start + DIGEST_SIZE] for start in range(0, len(joined), DIGEST_SIZE)]
