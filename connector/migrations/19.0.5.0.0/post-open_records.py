"""Note which external records the checkpoints to review list: a later import takes off the list
what is not noted."""

from odoo import SUPERUSER_ID, api

from odoo.addons.connector.unit.open_records import import_key, import_scope


def migrate(cr, version):
    rows = api.Environment(cr, SUPERUSER_ID, {})["connector.open.record"]
    # not by the ORM: the models of the backends may not be loaded yet
    cr.execute(
        """
        SELECT id, import_model, split_part(backend_id, ',', 2)::int, external_ids FROM connector_checkpoint checkpoint
        WHERE state = 'need_review' AND import_model IS NOT NULL AND on_review IS NULL
        AND jsonb_typeof(external_ids) = 'array'
        AND NOT EXISTS (SELECT FROM connector_open_record WHERE checkpoint_id = checkpoint.id)
        """
    )
    for checkpoint_id, model_name, backend_id, external_ids in cr.fetchall():
        keys = [import_key(external_id) for external_id in external_ids]
        rows._add(import_scope(model_name, backend_id), keys, checkpoint_id=checkpoint_id)
