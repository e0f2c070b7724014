"""Module hooks: take over the queue of the former ``connector`` addon, clean up at uninstallation.

Up to version 19.0.1.2.0 the queue was a part of the addon ``connector``. The update of such a
database installs this addon, and this addon takes over the data. Records keep their ids: only the
names change by which Odoo knows them.
"""

from odoo.api import Environment
from odoo.exceptions import UserError
from odoo.sql_db import Cursor
from odoo.tools.sql import column_exists, table_exists

from . import addon, store

# Only constants of this module are formatted into the statements below
# pylint: disable=sql-injection

# External ids: beginnings of names, then whole names
_BEGINNINGS = (
    "model_queue_",
    "field_queue_",
    "selection__queue_",
    "constraint_queue_",
    "access_queue_",
    "queue_",
    "cron_run_jobs",
    "cron_group_failures",
    "cron_run_schedules",
)
_IDS = ("channel_root", "view_server_action_form", "field_ir_actions_server__run_as_job")
# Tables with records that an administrator may have changed; an installation overwrites them
_CHANGED_BY_PEOPLE = ("ir_cron", "ir_rule")
# Columns that are not restored: the id, and the name of a cron's action, which Odoo stores beside
# the action
_OURS = ["id", "cron_name"]
_PARAMETERS = ("database", "imported_channels", "job_retention_days", "unknown_job_minutes")


def pre_init_hook(env: Environment) -> None:
    """Take over the queue of a former version, and refuse a database with another suite's queue.

    The models of other suites, such as OCA's queue_job, have the same names as ours.
    """
    if not table_exists(env.cr, "queue_job"):
        return
    if not (column_exists(env.cr, "queue_job", "lease_token") and _is_ours(env.cr)):
        raise UserError(
            env._(
                "The addon “Jobs Queue” cannot be installed in this database: it holds a table “queue_job” of another suite, such as OCA's "
                "queue_job. Uninstall that suite first, or use another database."
            )
        )
    _take_over(env.cr)


def post_init_hook(env: Environment) -> None:
    """Migrate the jobs of a former version, and restore the settings and the rights of people."""
    env.flush_all()
    _store_keys(env.cr)
    _store_labels(env.cr)
    _restore_changes(env.cr)
    env.invalidate_all()
    for role in ("user", "manager"):
        # the groups are there if the addon is installed without an update of connector
        if group := env.ref(f"{addon.FORMER_NAME}.group_connector_{role}", raise_if_not_found=False):
            group.implied_ids += env.ref(f"{addon.NAME}.group_jobs_{role}")


def uninstall_hook(env: Environment) -> None:
    """Remove all that Odoo does not know to be ours.

    These are the sequences of the queue, and the system parameters of the addon.
    """
    store.insert.drop_sequences(env.cr)
    env["ir.config_parameter"].sudo().search([("key", "=like", f"{addon.NAME}.%")]).unlink()


def _is_ours(cr: Cursor) -> bool:
    cr.execute("SELECT FROM ir_model_data WHERE module = %s AND name = 'model_queue_job'", (addon.FORMER_NAME,))
    return bool(cr.rowcount)


def _take_over(cr: Cursor) -> None:
    names = {"addon": addon.NAME, "former": addon.FORMER_NAME}
    cr.execute(
        """
        UPDATE ir_model_data SET module = %(addon)s
        WHERE module = %(former)s AND (name = ANY(%(ids)s) OR name ^@ ANY(%(beginnings)s))
        """,
        {**names, "ids": list(_IDS), "beginnings": list(_BEGINNINGS)},
    )
    for table in ("ir_model_constraint", "ir_model_relation"):
        cr.execute(
            f"""
            UPDATE {table} SET module = addon.id
            FROM ir_module_module addon, ir_module_module former, ir_model model
            WHERE addon.name = %(addon)s AND former.name = %(former)s AND {table}.module = former.id
              AND model.id = {table}.model AND model.model ^@ 'queue.'
            """,
            names,
        )
    for parameter in _PARAMETERS:
        cr.execute(
            """
            UPDATE ir_config_parameter SET key = %(key)s
            WHERE key = %(former)s AND NOT EXISTS (SELECT FROM ir_config_parameter WHERE key = %(key)s)
            """,
            {"key": f"{addon.NAME}.{parameter}", "former": f"{addon.FORMER_NAME}.{parameter}"},
        )
    for table in _CHANGED_BY_PEOPLE:
        cr.execute(
            f"""
            CREATE TEMP TABLE jobs_queue_{table} AS
            SELECT {table}.* FROM {table} JOIN ir_model_data ON res_id = {table}.id
            WHERE module = %s AND replace(ir_model_data.model, '.', '_') = '{table}'
            """,
            (addon.NAME,),
        )


def _restore_changes(cr: Cursor) -> None:
    """Write back the records that people may have changed, as :func:`_take_over` has kept them."""
    for table in _CHANGED_BY_PEOPLE:
        cr.execute("SELECT to_regclass(%s)", (f"pg_temp.jobs_queue_{table}",))
        if cr.fetchone() == (None,):
            continue
        cr.execute(
            f"SELECT attname FROM pg_attribute WHERE attrelid = 'jobs_queue_{table}'::regclass AND attnum > 0 AND attname <> ALL(%s)",
            (_OURS,),
        )
        columns = ", ".join(f'"{name}"' for (name,) in cr.fetchall())
        cr.execute(
            f"""
            UPDATE {table} SET ({columns}) = (SELECT {columns} FROM jobs_queue_{table} kept WHERE kept.id = {table}.id)
            WHERE id IN (SELECT id FROM jobs_queue_{table})
            """
        )
        cr.execute(f"DROP TABLE jobs_queue_{table}")


def _store_keys(cr: Cursor) -> None:
    """Store keys above 250 characters in the form of ``jobs/keys.py``.

    Look-ups search for this form.
    """
    # The form is repeated here on purpose: an update from that version must not change when the
    # code changes
    stored = "left({key}, 186) || '#' || encode(sha256(convert_to({key}, 'UTF8')), 'hex')"
    for key in ("identity_key", "concurrency_key", "group_key"):
        # running jobs are left alone: an update of their rows would make their completion fail
        cr.execute(
            f"UPDATE queue_job SET {key} = {stored.format(key=key)} WHERE length({key}) > 250 AND {key} !~ '^.{{186}}#[0-9a-f]{{64}}$' "
            "AND state <> 'started'"
        )


def _store_labels(cr: Cursor) -> None:
    """Copy the texts by which people find a job to their own table.

    See ``models/queue_job_label.py``.
    """
    cr.execute(
        """
        INSERT INTO queue_job_label (id, external_id, record_name, description)
        SELECT id, external_id, record_name, description FROM queue_job
        WHERE (external_id, record_name, description) IS DISTINCT FROM (NULL, NULL, NULL)
        ON CONFLICT DO NOTHING
        """
    )
