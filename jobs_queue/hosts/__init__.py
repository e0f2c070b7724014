"""Where workers live: in Odoo's cron, in Odoo's own server, and in the processes of the command ``odoo jobs_worker``."""
