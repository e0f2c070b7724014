"""Text of other systems and of exceptions in fields of HTML: it stays text, whatever it holds."""

from markupsafe import Markup


def html_text(text: str) -> Markup:
    """Return text as HTML that shows it, its lines kept: no tag of it is one, and no address in it is a link.

    ``odoo.tools.plaintext2html`` would make links of addresses, which who has written the text may have chosen.
    """
    return Markup("<p>%s</p>") % Markup("<br>").join(text.splitlines())
