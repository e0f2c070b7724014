"""The environment of a job: its user, superuser mode, and the part of the context that is kept.

The context comes from the code that delays the job.
"""

import json
from typing import Any

import pytz

from odoo import api
from odoo.api import Environment
from odoo.sql_db import BaseCursor

from ..by_code import JOB, IdByCode
from ..exception import FailedJobError
from .retry import RetryPolicy

#: The context keys that a job takes over from the code that delays it. A record among its arguments
#: takes them over from its own environment.
CONTEXT_KEYS = ("lang", "tz", "allowed_company_ids", "active_test")

#: A further key, kept if the user was archived already when the job was delayed. Some users are
#: always archived, such as the public one, and their jobs run all the same. Code sets it to False
#: in its context if somebody has chosen the user long ago, as a schedule does: then an archived
#: user is not accepted.
ARCHIVED = "connector_archived_user"


def kept_context(env: Environment) -> dict[str, Any]:
    """Return the part of an environment's context that is kept."""
    context = {key: env.context[key] for key in CONTEXT_KEYS if key in env.context}
    if not env.su and not env.user.active and env.context.get(ARCHIVED, True):
        context[ARCHIVED] = True
    return context


def dumped(context: dict[str, Any]) -> str | None:
    """Return the JSON text of a kept context, None for an empty one."""
    return json.dumps(context) if context else None


def of_job(
    cr: BaseCursor, user_id: int, su: bool, context: str | None, job_id: int, function: str
) -> tuple[Environment, list[str], RetryPolicy]:
    """Return the environment of a job, notes for people, and the retry policy of its function.

    The environment has the part of the context that can be used today. The notes tell people about
    the rest.

    :param context: JSON text, as :func:`dumped` returns it
    :raise FailedJobError: the user or the company does not exist any more, or the user was archived
        since
    """
    kept, job = json.loads(context) if context else {}, {"job_id": job_id, JOB: IdByCode(job_id)}
    env = api.Environment(cr, user_id, {**kept, **job}, su=su)
    usable, notes, retry = env["queue.job"]._terms(user_id, env.su, context, function)
    if usable != kept:
        env = env(context={**usable, **job})
    return env, notes, retry


def difference(own: Environment, env: Environment) -> dict[str, Any]:
    """Return how a record's environment differs from that of its job, for :func:`of_records`."""
    found: dict[str, Any] = {}
    context = kept_context(own)
    if own.uid != env.uid:
        found["user"] = own.uid
    if own.su != env.su:
        found["su"] = own.su
    if context != kept_context(env):
        found["context"] = context
    return found


def of_records(env: Environment, found: dict[str, Any]) -> tuple[Environment, list[str]]:
    """Return the environment of records among the arguments of a job, and notes.

    The notes are those of :func:`of_job`.

    :param env: environment of the job
    :param found: result of :func:`difference`
    """
    user_id, su = found.get("user", env.uid), found.get("su", env.su)
    kept = found["context"] if "context" in found else kept_context(env)
    usable, notes = env["queue.job"]._usable_context(user_id, su, dumped(kept))
    others = {key: value for key, value in env.context.items() if key not in CONTEXT_KEYS}
    return env(user=user_id, su=su, context={**others, **usable}), notes


def as_given(env: Environment, found: dict[str, Any]) -> Environment:
    """Return the environment of records as :func:`of_records` does, without notes."""
    return of_records(env, found)[0]


def usable_context(env: Environment, user_id: int, su: bool, stored: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return ``(context, notes)``: the part of a kept context that can be used today, and notes.

    The notes tell people about the rest.

    :param stored: JSON text, as :func:`dumped` returns it
    :raise FailedJobError: the user or the company does not exist any more, or the user was archived
        since
    """
    context = json.loads(stored) if stored else {}
    archived = context.pop(ARCHIVED, False)
    old_lang = context.get("lang")
    if not _is_language(env, old_lang):
        context["lang"] = _lang_of(env, user_id)
    env = env(context={"lang": context.get("lang")})
    notes: list[str] = []
    if context.get("lang") != old_lang:
        notes.append(
            env._("The language %(old)s is not active any more: %(new)s is used.", old=old_lang, new=context["lang"])
        )
    if context.get("tz") and context["tz"] not in pytz.all_timezones_set:
        notes.append(env._("There is no time zone %s: that of the user is used.", context.pop("tz")))
    if not su and not env["queue.job"]._may_work(user_id, archived):
        raise FailedJobError(
            env._(
                "The user of the job (id %s) is archived or does not exist any more: delay it again as another user, or restore it.",
                user_id,
            )
        )
    if context.get("allowed_company_ids"):
        notes += _leave_out_deleted_companies(env, context)
    return context, notes


def _is_language(env: Environment, code: str | None) -> bool:
    # Odoo works in English even if that language is not active
    return not code or code == "en_US" or bool(env["res.lang"]._get_data(code=code))


def _lang_of(env: Environment, user_id: int) -> str:
    lang = env["res.users"].sudo().browse(user_id).exists().lang
    return lang if lang and _is_language(env, lang) else "en_US"


def _leave_out_deleted_companies(env: Environment, context: dict[str, Any]) -> list[str]:
    """Remove companies that do not exist any more from a context; return notes.

    :raise FailedJobError: the company in which the job works is one of them. In another company the
        job could do harm.
    """
    first, *others = context["allowed_company_ids"]
    existing = set(env["res.company"].sudo().browse([first, *others]).exists().ids)
    if first not in existing:
        raise FailedJobError(
            env._("The company of the job (id %s) does not exist any more: delay it again in another one.", first)
        )
    gone = [company_id for company_id in others if company_id not in existing]
    if not gone:
        return []
    context["allowed_company_ids"] = [first, *(company_id for company_id in others if company_id in existing)]
    return [env._("Companies that do not exist any more are left out: %s", ", ".join(map(str, gone)))]
