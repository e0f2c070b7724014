"""Function ``add_checkpoint``: ask a person to review a record."""

from collections.abc import Iterable
from typing import Literal

from odoo.models import BaseModel

from odoo.addons.jobs_queue.session import ConnectorSession, checked_session
from odoo.addons.jobs_queue.texts import storable_or_none

from ..backend import reference
from .open_records import direction_of, export_key, export_scope, import_key, import_scope
from .types import ExternalId


def add_checkpoint(
    session: ConnectorSession,
    model_name: str,
    record_id: int,
    backend_record: BaseModel,
    message: object = None,
    severity: Literal["info", "warning", "error"] = "info",
    user: BaseModel | None = None,
    on_review: str | None = None,
    to_import: tuple[str, Iterable[ExternalId]] | None = None,
) -> BaseModel:
    """Ask a person to review a record.

    A record that already waits for its review with the same message gets no second checkpoint. If
    the request is about no record in particular, give the backend itself as the record.

    An error closes itself once the record is imported (or exported, if the job exports) later with
    success, unless it has ``on_review``. With ``to_import`` each record is taken off the list, and
    the last one closes it. Other checkpoints wait for a person.

    No mail is sent. The person gets an activity. The followers of the backend get one message a day
    with the new checkpoints.

    ::

        add_checkpoint(session, "sale.order", order.id, backend,
                       "The total differs. Once reviewed, the order is confirmed.",
                       severity="warning", user=order.user_id, on_review="action_confirm")

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
    :param model_name: name of the record's model
    :param record_id: its id
    :param backend_record: record of the backend it concerns
    :param message: what to review, for the user
    :param severity: ``"info"``, ``"warning"`` or ``"error"``
    :param user: record of ``res.users``, the person who has to review it and gets an activity;
        None: whoever comes first
    :param on_review: name of a method of the record. It is called without arguments and with the
        rights of the person who has reviewed the record. If it raises a ``UserError``, the record
        still has to be reviewed. If it returns a text, the person sees it. The message should tell
        what the method does
    :param to_import: ``(binding model, external ids)`` of external records that the checkpoint
        lists, and imports by a button; they are added to those of one that waits with the same
        message
    :return: the ``connector.checkpoint`` record
    :raise ValueError: the severity is unknown, or the record has no such method
    """
    checked_session(session)
    if on_review and not callable(getattr(type(session.env[model_name]), on_review, None)):
        raise ValueError(f"{model_name} has no method {on_review!r} that could be called on review")
    checkpoints = session.env["connector.checkpoint"].sudo()
    values = {
        "model_id": session.env["ir.model"]._get_id(model_name),
        "record_id": record_id,
        "backend_id": reference(backend_record),
        "message": storable_or_none(message) or False,
        "on_review": on_review or False,
        "import_model": to_import[0] if to_import else False,
        "state": "need_review",
    }
    scope, keys = _scope_and_keys(session, model_name, record_id, severity, on_review, to_import, backend_record)
    waiting = checkpoints.search([(name, "=", value) for name, value in values.items()], limit=1)
    if waiting:
        waiting._lock(bool(to_import))
        waiting._add_to_import(to_import)
        session.env["connector.open.record"].sudo()._add(scope, keys, checkpoint_id=waiting.id)
        return waiting
    # an activity for each checkpoint would also be a mail for each: the reviewer reads the digest
    checkpoints = checkpoints.with_context(
        mail_create_nolog=True, mail_create_nosubscribe=True, mail_activity_quick_update=True
    )
    checkpoint = checkpoints.create(
        {
            **values,
            "severity": severity,
            "user_id": user.id if user else False,
            "company_id": backend_record.company_id.id,
        }
    )
    checkpoint._add_to_import(to_import)
    session.env["connector.open.record"].sudo()._add(scope, keys, checkpoint_id=checkpoint.id)
    if user:
        summary = checkpoint.with_context(lang=user.lang).env._("Review %s", checkpoint.name)
        checkpoint.activity_schedule("mail.mail_activity_data_todo", summary=summary, user_id=user.id)
    return checkpoint


def _scope_and_keys(
    session: ConnectorSession,
    model_name: str,
    record_id: int,
    severity: str,
    on_review: str | None,
    to_import: tuple[str, Iterable[ExternalId]] | None,
    backend_record: BaseModel,
) -> tuple[str, list[str]]:
    """Return the scope and the keys of the records whose later synchronisation closes a checkpoint.

    A checkpoint that is no error asks for a review of what has been imported: a later import is no
    such review.
    """
    nothing: tuple[str, list[str]] = ("", [])
    if on_review:
        return nothing
    if to_import:
        return import_scope(to_import[0], backend_record.id), [import_key(external_id) for external_id in to_import[1]]
    record = session.env[model_name].sudo().browse(record_id)
    if severity != "error" or not {"backend_id", "external_id"} <= record._fields.keys():
        return nothing
    direction = direction_of(session)
    if direction == "import" and record.external_id:
        return import_scope(model_name, record.backend_id.id), [import_key(record.external_id)]
    return (export_scope(model_name), [export_key(record_id)]) if direction == "export" else nothing
