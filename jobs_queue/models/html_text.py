"""Conversion of untrusted text to HTML that only shows it.

The text comes from other systems and from exceptions. It stays text, whatever it contains.
"""

from markupsafe import Markup


def html_text(text: str) -> Markup:
    """Return text as HTML that shows it, with its line breaks.

    No tag in the text takes effect, and no address in it becomes a link.
    ``odoo.tools.plaintext2html`` would make links of addresses, and the author of the text may have
    chosen them.
    """
    return Markup("<p>%s</p>") % Markup("<br>").join(text.splitlines())
