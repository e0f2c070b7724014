"""The hosts of workers: Odoo's cron, Odoo's own server, and the processes of the command ``odoo jobs_worker``."""
