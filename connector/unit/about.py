"""Which record a job of the flows is about, by the numbers under which people know it; see ``about`` of ``@job``."""

from odoo.exceptions import MissingError


def imported(env, model_name, backend_id, external_id, *args, **kwargs):
    """Return the numbers of the record of a job that is called with ``(backend_id, external_id)``."""
    return None if external_id is None else str(external_id), None


def exported(env, model_name, binding_id, *args, **kwargs):
    """Return the numbers of the record of a job that is called with ``(binding_id)``."""
    binding = env(su=True)[model_name].browse(binding_id)
    try:
        # a model with a binder of its own may keep the id in another field
        return getattr(binding, "external_id", None) or None, binding.display_name or None
    except MissingError:
        # the job says so
        return None, None


def exported_in_bulk(env, model_name, backend_id, binding_id, *args, **kwargs):
    """Return the numbers of the record of a job that is called with ``(backend_id, binding_id)``."""
    return exported(env, model_name, binding_id)
