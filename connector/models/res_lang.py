"""Languages of backends: refuse to deactivate them, and find the working language of a backend."""

import logging

from odoo import models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)


class ResLang(models.Model):
    _inherit = "res.lang"

    def write(self, vals):
        if vals.get("active", True) is False and (backends := self._backends()):
            raise UserError(
                self.env._(
                    "Cannot deactivate a language in which backends work: %s. Choose another language there first.",
                    ", ".join(f"{backend._description} “{backend.name}”" for backend in backends),
                )
            )
        return super().write(vals)

    def _backends(self):
        """Return a list of the backends, of all models, that work in these languages.

        Archived backends do not work.
        """
        names = self.env.registry.descendants(["connector.backend"], "_inherit")
        models_ = [
            self.env[name].sudo().with_context(active_test=True) for name in names if not self.env[name]._abstract
        ]
        return [backend for model in models_ for backend in model.search([("default_lang_id", "in", self.ids)])]


def working_language(backend, session):
    """Return the code of the language in which a backend works.

    If it has none, or if that language is not active any more, it is the language of the session.

    :param backend: record of a backend
    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`; its job is told of a
        language that is not active
    """
    lang = backend.sudo().default_lang_id
    if not lang or lang.active:
        return lang.code or session.env.lang
    note = backend.env._(
        "The language %(old)s of “%(backend)s” is not active any more: %(new)s is used.",
        old=lang.code,
        backend=backend.name,
        new=session.env.lang or "en_US",
    )
    if session.job is not None:
        session.job.note([note])
    else:
        _logger.warning("%s", note)
    return session.env.lang
