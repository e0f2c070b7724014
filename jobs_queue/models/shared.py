"""Check that the user may change what all companies share: channels and job functions.

All companies share channels without a company, and job functions.
"""

from odoo.api import Environment
from odoo.exceptions import AccessError


def check_may_change_shared(env: Environment) -> None:
    """Check that the user may change what all companies share.

    :param env: of the user
    :raise AccessError: there are several companies, and the user is neither in all of them nor an
        administrator of the settings
    """
    if env.su or env.user.has_group("base.group_system"):
        return
    others = env["res.company"].sudo().search([]) - env.user.company_ids
    if others:
        raise AccessError(
            env._(
                "All companies share this channel or job function, so a change would concern the jobs of %(companies)s, too. "
                "Ask an administrator of the settings, or somebody who works in all companies.",
                companies=", ".join(others[:3].mapped("name")),
            )
        )
