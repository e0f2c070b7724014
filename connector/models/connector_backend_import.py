"""Aspect of ``connector.backend``: import what has changed, or all records again."""

from odoo import models
from odoo.tools import SQL

from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import NoConnectorUnitError
from ..unit.importer.batch import import_batch
from ..unit.mapper.mapper import ImportMapper


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    def action_import_again(self):
        """Import all records of these backends again, in the background."""
        self.check_access("write")
        jobs = []
        for backend in self:
            backend.sudo().watermark_ids.filtered(lambda watermark: watermark.direction == "import").unlink()
            jobs += backend._delay_for_models(import_batch, backend.sudo()._imported_models())
        self.sudo().needs_import = False
        return self.env["queue.worker"]._answer(self.env._("The import runs in the background:"), jobs)

    def _delay_for_models(self, function, model_names):
        """Delay a job function for each of these backends and each model.

        The jobs run with all rights, in the company of the backend: the user who presses the button
        need not have the right to change every product. While one waits, another one is not added.

        :param function: job function with the arguments ``session, model_name, backend_id``
        :param model_names: list of names of binding models
        :return: list of the jobs
        :raise AccessError: the user may not write the backends
        """
        self.check_access("write")
        session = ConnectorSession.from_env(self.sudo().env)
        return [
            function.delay(
                session.with_company(backend.company_id),
                model_name,
                backend.id,
                identity_key=f"{function.__name__} {model_name} {backend.id}",
            )
            for backend in self
            for model_name in model_names
        ]

    def _forget_imports(self):
        """Forget which states of external records were imported, and ask to import all again."""
        for model in self._binding_models():
            self._forget_imports_of(model._name)
        self.needs_import = True

    def _forget_imports_of(self, model_name):
        """Forget which states of external records of a binding model were imported.

        It is done by SQL: there may be millions of bindings, and nothing but an import reads these
        two fields.
        """
        model = self.env[model_name]
        model.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET import_checksum = NULL, external_version = NULL WHERE backend_id = ANY(%s)",
                SQL.identifier(model._table),
                self.ids,
            )
        )
        model.invalidate_model(["import_checksum", "external_version"])

    def _binding_models(self):
        """Return the binding models of the backend, as empty recordsets with the archived ones."""
        names = sorted(self.env.registry.descendants(["external.binding"], "_inherit"))
        models_ = [self.env[name].with_context(active_test=False) for name in names]
        return [
            model for model in models_ if not model._abstract and model._fields["backend_id"].comodel_name == self._name
        ]

    def _imported_models(self):
        """Return the names of the binding models that are imported: those with a mapper for it."""
        names = []
        for model in self._binding_models():
            with self.work_on(model._name) as environment:
                try:
                    environment.get_connector_unit(ImportMapper)
                except NoConnectorUnitError:
                    continue
            names.append(model._name)
        return names
