"""Note the records whose imports have ended while their flow was off: until now they were searched
among the ended jobs."""


def migrate(cr, version):
    cr.execute(
        """
        INSERT INTO connector_flow_left_out (flow_id, external_id, force)
        SELECT DISTINCT flow.id, job.external_id, false
        FROM connector_flow flow JOIN queue_job job ON job.channel_id = flow.channel_id
        WHERE NOT flow.is_on AND flow.direction = 'import' AND job.date_done >= flow.date_off
        AND job.function = 'odoo.addons.connector.unit.importer.record.import_record'
        AND job.state = 'done' AND job.external_id IS NOT NULL
        ON CONFLICT DO NOTHING
        """
    )
