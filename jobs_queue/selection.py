"""The records that people have selected in a list. After *Select all* the client names some ids only (``web.active_ids_limit``)."""

from typing import Any

from odoo.api import Environment


def selected_domain(env: Environment, model_name: str, number: int) -> list[Any] | None:
    """Return the domain of the list in which *Select all* has selected more records than the client names; None otherwise.

    It comes from the client: search by it with the rights of the user.

    :param model_name: of the records in the list
    :param number: how many records the client names
    """
    domain = env.context.get("active_domain")
    if env.context.get("active_model", model_name) != model_name or not isinstance(domain, list):
        return None
    limit = int(env["ir.config_parameter"].sudo().get_param("web.active_ids_limit", 20000))
    return domain if number >= limit else None
