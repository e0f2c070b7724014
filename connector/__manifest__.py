{
    "name": "Connector",
    "summary": "Jobs queue and connector framework: keep Odoo in step with other systems",
    "version": "19.0.1.0.0",
    "category": "Connector",
    "author": "Connector Suite contributors",
    "license": "LGPL-3",
    "depends": ["mail"],
    "data": [
        "data/queue_job_channel.xml",
        "data/ir_cron.xml",
    ],
    "pre_init_hook": "pre_init_hook",
    "application": True,
    "installable": True,
}
