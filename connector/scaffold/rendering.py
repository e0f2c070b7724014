"""Render the templates of a connector into files: ``Names`` and ``render``."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2

#: Protocols, and the folder with the templates of each
PROTOCOLS = {"rest": "rest", "graphql": "graphql", "xmlrpc": "rpc", "jsonrpc": "rpc"}

_TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".template"


@dataclass(frozen=True)
class Names:
    """What the names in a connector are made of.

    :param service: name of the external system
    :param protocol: one of :data:`PROTOCOLS`
    :param model: name of the model of Odoo
    :param record: what the system calls one of its records
    """

    service: str
    protocol: str
    model: str
    record: str

    @property
    def title(self):
        return self.service.replace("_", " ").title()

    @property
    def class_(self):
        return _camel(self.service)

    @property
    def adapter(self):
        return f"{self.class_}Adapter"

    @property
    def case(self):
        return f"{self.class_}Case"

    @property
    def cases(self):
        """The test cases of ``tests/common.py``, as the statement that imports them sorts them."""
        return ", ".join(sorted([self.case, "RightsCase"], key=str.lower))

    @property
    def records(self):
        return _plural(self.record)

    @property
    def words(self):
        return self.record.replace("_", " ")

    @property
    def plural(self):
        return self.records.replace("_", " ")

    @property
    def binding(self):
        return f"{self.service}.{self.model}"

    def values(self):
        """Return the names as a dict, for templates."""
        properties = ("title", "adapter", "case", "cases", "records", "words", "plural", "binding")
        return {
            **asdict(self),
            **{name: getattr(self, name) for name in properties},
            "class": self.class_,
            "Words": self.words.capitalize(),
            "Plural": self.plural.capitalize(),
            "record_class": _camel(self.record),
            "records_class": _camel(self.records),
            "binding_class": _camel(self.binding),
            "is_customer": (self.model, self.record) == ("res.partner", "customer"),
        }


def render(names, *folders):
    """Return the files of some folders of templates, as a dict: path in the addon to content."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    words = {"RECORD": names.record, _SUFFIX: ""}
    files = {}
    for folder in folders:
        for template in sorted((_TEMPLATES / folder).rglob(f"*{_SUFFIX}")):
            path = template.relative_to(_TEMPLATES / folder).as_posix()
            for word, name in words.items():
                path = path.replace(word, name)
            files[path] = environment.from_string(template.read_text()).render(names.values())
    return files


def _plural(noun):
    """Return the plural of an English noun by its ending: ``categories``, ``taxes``, ``orders``."""
    if re.search("[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def _camel(name):
    return "".join(word.capitalize() for word in name.replace(".", "_").split("_"))
