"""Domain of the list if the user pressed *Select all* and the client did not send all ids.

After *Select all* the client sends only some of the ids, see the system parameter
``web.active_ids_limit``.
"""

from typing import Any

from odoo.api import Environment


def selected_domain(env: Environment, model_name: str, number: int) -> list[Any] | None:
    """Return the domain of a list if *Select all* selected more records than the client names.

    It is None in all other cases. The domain comes from the client: search by it with the rights of
    the user.

    :param model_name: of the records in the list
    :param number: how many records the client names
    """
    domain = env.context.get("active_domain")
    if env.context.get("active_model", model_name) != model_name or not isinstance(domain, list):
        return None
    limit = int(env["ir.config_parameter"].sudo().get_param("web.active_ids_limit", 20000))
    return domain if number >= limit else None
