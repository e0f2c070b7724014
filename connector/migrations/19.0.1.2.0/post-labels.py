"""The texts by which people find a job stand in a table of their own, see ``connector/queue/model/queue_job_label.py``."""


def migrate(cr, version):
    cr.execute(
        """
        INSERT INTO queue_job_label (id, external_id, record_name, description)
        SELECT id, external_id, record_name, description FROM queue_job
        WHERE (external_id, record_name, description) IS DISTINCT FROM (NULL, NULL, NULL)
        ON CONFLICT DO NOTHING
        """
    )
