"""What nobody reads or forges, by whatever way: the secrets of a backend."""

from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.testing import Roles

from .common import ShopCase

TOKEN, SECRET, FORGED = "t0k3n-of-the-address", "s3cr3t-of-the-webhook", "forged-by-somebody"
ENTERED = "t0k3n-of-a-secret-char"
#: Fields that managers write, and nobody reads
WRITE_ONLY = ("webhook_secret", "token")
#: Fields that no role reads or writes
OF_NOBODY = ("stored_webhook_token", "stored_webhook_secret")
#: Operator, and a value for which it finds the backend if it may look at the text ``{}``
COMPARISONS = (
    ("=", "{}"),
    ("!=", "guessed"),
    ("in", ["{}"]),
    ("not in", ["guessed"]),
    ("like", "{}"),
    ("not like", "guessed"),
    ("ilike", "{}"),
    ("not ilike", "guessed"),
    ("=like", "{}%"),
    ("=ilike", "{}%"),
    (">", "!"),
    (">=", "!"),
    ("<", "~"),
    ("<=", "~"),
)
#: Models of bindings, from which a path leads to the backend
BOUND = ("test.shop.partner", "test.shop.page")


class TestSecrets(Roles, ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.administrator = new_test_user(
            cls.env, "administrator", "base.group_system,connector.group_connector_manager,base.group_allow_export"
        )
        cls.manager.group_ids += cls.env.ref("base.group_allow_export") + cls.env.ref("base.group_partner_manager")
        cls.backend.write({"name": "The only shop", "location": "http://shop"})
        cls.backend.stored_webhook_token, cls.backend.stored_webhook_secret = TOKEN, SECRET
        cls.backend.token = ENTERED
        cls.bindings = [cls.env[name].create(cls.values_of(name)) for name in BOUND]
        cls.env.flush_all()

    @classmethod
    def values_of(cls, model_name):
        named = {"name": "Bound"} if "odoo_id" in cls.env[model_name]._fields else {}
        return {**named, "backend_id": cls.backend.id, "external_id": "1"}

    # Ways: each returns whether it tells the text of a field, or has put another text into it

    def reading(self, user, name, text):
        """Yield ways to learn the text of a field."""
        backend = self.backend.with_user(user)
        yield from self.asking(backend, name, text)
        here = [("id", "=", backend.id)]
        yield lambda: self.tells(backend.read([name]), text)
        yield lambda: self.tells(backend.web_read({name: {}}), text)
        yield lambda: self.tells(backend.search_read(here, [name]), text)
        yield lambda: self.tells(backend.web_search_read(here, {name: {}}), text)
        yield lambda: self.tells(backend.export_data([name]), text)
        yield lambda: self.tells(backend.web_save({}, {name: {}}), text)
        yield lambda: backend.search(here, order=name)
        yield lambda: backend.search(here, order=f"{name} desc nulls last, id")
        yield lambda: backend.web_search_read(here, {}, order=name)["records"]
        yield lambda: self.tells(backend.web_read_group(here, [name], []), text)
        yield lambda: self.tells(
            backend.read_progress_bar(here, name, {"field": "version", "colors": {"1.0": 1}}), text
        )
        for binding in self.bindings:
            binding = binding.with_user(user)
            yield from self.asking(binding, f"backend_id.{name}", text)
            yield lambda record=binding: self.tells(record.web_read({"backend_id": {"fields": {name: {}}}}), text)
            yield lambda record=binding: self.tells(
                record.web_search_read([("id", "=", record.id)], {"backend_id": {"fields": {name: {}}}}), text
            )
            yield lambda record=binding: self.tells(record.export_data([f"backend_id/{name}"]), text)
            for operator in ("any", "not any"):
                value = text if operator == "any" else "guessed"
                yield lambda record=binding, operator=operator, value=value: record.search_count(
                    [("id", "=", record.id), ("backend_id", operator, [(name, "=", value)])]
                )

    def asking(self, record, path, text):
        """Yield ways to ask for a record by a text at a path's end, to group by it, to sum it."""
        here = [("id", "=", record.id)]
        for operator, value in COMPARISONS:
            value = [item.format(text) for item in value] if isinstance(value, list) else value.format(text)
            yield lambda operator=operator, value=value: record.search([*here, (path, operator, value)])
        yield lambda: record.search_count([*here, "!", (path, "=", "guessed")])
        yield lambda: record.name_search("", [*here, (path, "=", text)])
        yield lambda: self.tells(record.formatted_read_group(here, [path], ["__count"]), text)
        if "." not in path:
            for function in ("min", "max", "array_agg", "count_distinct"):
                yield lambda function=function: self.adds_up(
                    record.formatted_read_group(here, [], [f"{path}:{function}"])
                )
            yield lambda: record.formatted_read_group(
                here, ["id"], ["__count"], having=[(f"{path}:count_distinct", ">", 0)]
            )
            yield lambda: record.formatted_read_group(here, ["id"], ["__count"], order=f"{path}:max")

    def forging(self, user, name):
        """Yield ways to put a text into a field, the one that it has or another."""
        backend = self.backend.with_user(user)
        new = {"name": "New", name: FORGED}
        default = backend.with_context(**{f"default_{name}": FORGED})
        names, row = list(new), list(new.values())
        text = self.backend[name]
        yield self.undone(lambda: backend.copy() and self.count(name, text) > 1)
        for attempt in (
            lambda: backend.write({name: FORGED}),
            lambda: backend.web_save({name: FORGED}, {}),
            lambda: backend.web_save_multi([{name: FORGED}], {}),
            lambda: backend.create(new),
            lambda: backend.create([new]),
            lambda: backend.browse().web_save(new, {}),
            lambda: backend.copy({name: FORGED}),
            lambda: backend.load(names, [row]),
            lambda: backend.load([".id", name], [[str(backend.id), FORGED]]),
            lambda: default.create({key: value for key, value in {"name": "New"}.items() if key != name}),
            lambda: default.name_create("New") if name != "name" else default.create({}),
            lambda: default.browse().web_save(
                {key: value for key, value in {"name": "New"}.items() if key != name}, {}
            ),
        ):
            yield self.undone(lambda attempt=attempt: (attempt(), self.count(name, FORGED))[1])

    def tells(self, answer, text):
        return text in str(answer)

    def adds_up(self, groups):
        return any(value for name, value in groups[0].items() if not name.startswith("__"))

    def count(self, name, text):
        """Return how many backends have a text, in the column of a field or in that of a secret."""
        self.env.flush_all()
        columns = {*OF_NOBODY, "token", "name" if name == "name" else OF_NOBODY[0]}
        found = " OR ".join(f"{column} = %s" for column in sorted(columns))
        self.env.cr.execute(f"SELECT count(*) FROM test_shop_backend WHERE {found}", [text] * len(columns))
        return self.env.cr.fetchone()[0]

    def undone(self, way):
        """Return a way that undoes what it has written."""

        def written():
            savepoint = self.env.cr.savepoint()
            try:
                return way()
            finally:
                savepoint.close(rollback=True)

        return written

    def gives(self, way):
        """Return whether a way gives what it is to give."""
        try:
            return bool(way())
        except Exception:
            return False

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models", "odoo.sql_db")
    def test_s5_thousands_of_attempts_neither_tell_nor_forge_a_secret(self):
        users = self.outsiders + self.user + self.manager + self.other_manager + self.administrator
        attempts, given = 0, []
        for user in users:
            is_manager = user.has_group("connector.group_connector_manager")
            secrets = {OF_NOBODY[0]: TOKEN, OF_NOBODY[1]: SECRET, "webhook_secret": SECRET, "token": ENTERED}
            # a manager gives the address to the other system
            if user not in self.manager + self.administrator:
                secrets["webhook_url"] = TOKEN
            for name, text in secrets.items():
                ways = list(self.reading(user, name, text))
                # by these fields a manager gives a secret to a backend of his own
                if name not in WRITE_ONLY or not is_manager:
                    ways += self.forging(user, name)
                attempts += len(ways)
                given += [(user.login, name, number) for number, way in enumerate(ways) if self.gives(way)]
        self.assertFalse(given)
        self.assertGreaterEqual(attempts, 2_272)
        # the transaction still works: no attempt has failed only because one before it has broken
        # it
        self.assertEqual(self.count("stored_webhook_token", TOKEN), 1)

    def test_each_of_these_ways_tells_and_writes_what_is_no_secret(self):
        ways = [*self.reading(self.manager, "name", "The only shop"), *self.forging(self.manager, "name")]
        self.assertFalse([number for number, way in enumerate(ways) if not self.gives(way)])
