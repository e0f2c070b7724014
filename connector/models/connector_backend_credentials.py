"""Aspect of ``connector.backend``: its credentials; where they are, and when they are forgotten.

What a tired administrator expects of a form on which no secret is shown: if he leaves the field
empty, the secret stays; if he enters another one, it is replaced; if he points the backend to
another server, the secret is not sent there. To forget it there is a button. So an empty value that
a user writes is not written; one that code writes with ``sudo()`` is.
"""

import logging
from contextlib import contextmanager

import psycopg2

from odoo import api, fields, models

from ..credentials import server
from ..credentials.origin import origin_of
from ..credentials.secret_char import SecretChar

_logger = logging.getLogger(__name__)


class ConnectorBackend(models.AbstractModel):
    """The secrets of a backend."""

    _inherit = "connector.backend"

    #: Name of the field with the address of the system. The credentials are for the server that it
    #: names, and for no other one. People enter it: it is not computed.
    _location_field = "location"

    known_credentials = fields.Char(
        string="Credentials",
        compute="_compute_known_credentials",
        help="Which credentials are there, and where. They are never shown.",
    )
    has_stored_credentials = fields.Boolean(
        compute="_compute_known_credentials", help="There are credentials in the database, which can be forgotten"
    )
    credentials_error = fields.Char(
        compute="_compute_known_credentials", help="What is wrong in the configuration of the server"
    )

    @api.model
    def _secret_fields(self):
        """Return the names of the secrets, those that are a ``SecretChar``."""
        return [name for name, field in self._fields.items() if isinstance(field, SecretChar)]

    @api.depends(lambda self: [name for name in (*self._secret_fields(), self._location_field) if name in self._fields])
    def _compute_known_credentials(self):
        secrets = [self._fields[name] for name in self._secret_fields()]
        for backend in self:
            saved, of_server, error = backend.sudo()._origin, {}, False
            if saved._is_elsewhere(backend._location()):
                saved = saved.browse()
            try:
                of_server = saved._credentials_of_server() if saved else {}
            except ValueError as invalid:
                error = str(invalid)
            stored = [field for field in secrets if saved and field.stored(saved)]
            others = saved._other_credentials()
            backend.has_stored_credentials, backend.credentials_error = bool(stored or others), error
            backend.known_credentials = backend._describe_credentials(
                [*backend._labels(field for field in stored if field.name not in of_server), *others],
                backend._labels(field for field in secrets if field.name in of_server),
            )

    def _labels(self, secrets):
        return [field._description_string(self.env) for field in secrets]

    def _describe_credentials(self, stored, of_server):
        sentences = [
            stored and self.env._("Stored: %s", ", ".join(stored)),
            of_server and self.env._("From the server: %s", ", ".join(of_server)),
        ]
        return ". ".join(filter(None, sentences)) or False

    def _other_credentials(self):
        """Return the labels of stored credentials that are no ``SecretChar``, as a list; a hook.

        ``_forget_credentials`` forgets these, too.
        """
        return []

    # From the server's configuration

    def _credentials_of_server(self):
        """Return the secrets that the server's configuration has for this backend.

        A neutralised database has none: it must not speak with the systems of the original.

        :return: ``{name of a field: secret}``
        :raise ValueError: the configuration is not valid
        """
        self.ensure_one()
        found = server.server_credentials(self.env.cr.dbname, self._name, self.id, self._secret_fields())
        if not found or self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized"):
            return {}
        return found.values if found.are_for(self._location()) else {}

    def _secret_of_server(self, name):
        return self._credentials_of_server().get(name)

    def _register_hook(self):
        super()._register_hook()
        for cls in type(self).mro():
            for field in vars(cls).get("_field_definitions", ()):
                # a Char of the same name would show what is stored
                if isinstance(field, SecretChar) and not isinstance(self._fields[field.name], SecretChar):
                    raise TypeError(f"{self._name}.{field.name} is a SecretChar: extend it by another one")
        if not self._abstract:
            self._check_location_field()
        if self._name == "connector.backend":
            self._check_configuration()

    def _check_location_field(self):
        name = self._location_field
        if name not in ("location", *self._fields):
            raise ValueError(f"{self._name}, _location_field is {name!r}: there is no such field")
        found = self._fields.get(name)
        if found and (found.compute or found.company_dependent) and self._secret_fields():
            raise ValueError(
                f"{self._name}.{name} is computed, related or company-dependent: it changes without being written, "
                "and then the secrets are not forgotten. Make it a field that people enter, the same for all companies"
            )

    def _check_configuration(self):
        """Log what is wrong in the server's configuration.

        It is no reason not to start Odoo: the backend says it on its form, and its jobs fail.
        """
        names = self.env.registry.descendants(["connector.backend"], "_inherit")
        secrets = {name: self.env[name]._secret_fields() for name in names if not self.env[name]._abstract}
        try:
            server.check(self.env.cr.dbname, secrets)
        except ValueError as error:
            _logger.error("%s", error)

    # Reading and writing

    def _fetch_query(self, query, fields):
        """Fetch secrets for code alone: to the reader's eyes they are empty."""
        secrets = [field for field in fields if isinstance(field, SecretChar)]
        fetched = super()._fetch_query(query, [field for field in fields if field not in secrets])
        if self.env.su:
            for field in secrets:
                field.read(fetched)
        return fetched

    @api.model
    def default_get(self, fields):
        """Leave the secrets out: one in a link or in a stored default would be everybody's."""
        secrets = self._secret_fields()
        return super().default_get([name for name in fields if name not in secrets])

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_empty_secrets(vals) for vals in vals_list])

    def write(self, vals):
        vals = self._without_empty_secrets(vals)
        if self._location_field in vals:
            self.check_access("write")
            # before: what is entered together with the address stays
            self.filtered(lambda backend: backend._is_elsewhere(vals[self._location_field]))._forget_credentials()
        return super().write(vals)

    def _without_empty_secrets(self, vals):
        if self.env.su:
            return vals
        secrets = self._secret_fields()
        return {name: value for name, value in vals.items() if name not in secrets or str(value or "").strip()}

    def _new_credentials(self, vals):
        """Return which of these values are new credentials, as a list of names."""
        secrets, others = self._secret_fields(), (self._location_field, *self._credential_fields)
        return [name for name in vals if (vals[name] if name in secrets else name in others)]

    # Forgetting

    def _location(self):
        return self._location_field in self._fields and self.sudo()[self._location_field]

    def _is_elsewhere(self, location):
        """Return whether an address is on another server than that of the backend."""
        return origin_of(location) != origin_of(self._location())

    def _forget_credentials(self):
        """Forget all credentials of these backends; a hook for those that are stored elsewhere.

        It is called before the address changes to that of another server. The secret of the webhook
        stays: with it the other system signs, and we send it nowhere.
        """
        if self and (secrets := self._secret_fields()):
            self.sudo().write(dict.fromkeys(secrets, False))

    def action_forget_credentials(self):
        """Forget all stored credentials of these backends."""
        self.check_access("write")
        self._forget_credentials()

    # Errors of the database

    def _create(self, data_list):
        with _without_row():
            return super()._create(data_list)

    def _write_multi(self, vals_list):
        with _without_row():
            return super()._write_multi(vals_list)


@contextmanager
def _without_row():
    """Leave the detail out of what an error of the database says.

    It is the whole row with its secrets, and Odoo answers with it: the client shows what was raised
    at first, too.
    """
    try:
        yield
    except psycopg2.IntegrityError as error:
        error.args = (error.diag.message_primary,)
        raise
