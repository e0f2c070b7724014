"""Hosts of workers: Odoo's cron, Odoo's own server, and the processes of ``odoo jobs_worker``."""
