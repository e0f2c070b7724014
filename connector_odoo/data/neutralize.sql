-- a copy of the database must not speak with the systems of the original
UPDATE odoo_backend SET stored_api_key = NULL;
