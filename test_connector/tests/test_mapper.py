from functools import partial
from unittest.mock import patch

from psycopg2 import DataError

from odoo.tools import mute_logger
from odoo.tools.translate import code_translations

from odoo.addons.connector.exception import InvalidBackend, InvalidDataError, MappingError
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import (
    ExportMapper,
    ImportMapChild,
    ImportMapper,
    Mapper,
    changed_by,
    convert,
    external_to_m2o,
    follow_m2o_relations,
    m2o_to_external,
    mapping,
    none,
    only_create,
)

from ..units import PartnerExportMapper, PartnerImportMapper, webshop
from .common import ShopCase


class MapperCase(ShopCase):
    def imported(self, record, options=None, base=ImportMapper, model_name="test.shop.partner", **attributes):
        """Return the values of an external record, mapped by a mapper with the given attributes."""
        mapper_class = type("SomeMapper", (base,), attributes)
        return mapper_class(self.environment(model_name)).map_record(record).values(**(options or {}))

    def exported(self, record, options=None, **attributes):
        return self.imported(record, options, base=ExportMapper, model_name=record._name, **attributes)


class TestDirect(MapperCase):
    def test_a_field_goes_into_a_field(self):
        self.assertEqual(self.imported({"mail": "a@b"}, direct=[("mail", "email")]), {"email": "a@b"})

    def test_zero_empty_text_and_false_survive_an_import(self):
        record = {"points": 0, "discount": 0.0, "nickname": "", "newsletter": False}
        values = self.imported(record, direct=[(name, name) for name in record])
        self.assertEqual(values, record)
        self.assertIs(values["newsletter"], False)
        self.assertEqual([type(value) for value in values.values()], [int, float, str, bool])

    def test_none_becomes_the_false_of_odoo(self):
        direct = [("nickname", "nickname"), (convert("points", int), "points")]
        self.assertEqual(
            self.imported({"nickname": None, "points": None}, direct=direct), {"nickname": False, "points": False}
        )

    def test_what_is_not_in_the_record_is_left_alone(self):
        direct = [("name", "name"), ("mail", "email"), (convert("points", int), "points")]
        self.assertEqual(self.imported({"name": "Ada"}, direct=direct), {"name": "Ada"})

    def test_a_modifier_that_names_no_source_decides_by_itself(self):
        self.assertEqual(self.imported({}, direct=[(lambda mapper, record, target: 7, "points")]), {"points": 7})

    def test_zero_and_false_survive_an_export(self):
        record = self.partner(points=0, newsletter=False)
        values = self.exported(record, direct=[("points", "p"), ("newsletter", "n")])
        self.assertEqual((values, type(values["p"]), type(values["n"])), ({"p": 0, "n": False}, int, bool))

    def test_an_import_to_a_field_that_does_not_exist_is_refused_by_name(self):
        with self.assertRaisesRegex(MappingError, r"SomeMapper, emial: test\.shop\.partner has no field 'emial'"):
            self.imported({}, direct=[("mail", "emial")])

    def test_an_export_of_a_field_that_does_not_exist_is_refused_by_name(self):
        with self.assertRaisesRegex(MappingError, r"SomeMapper, mail: test\.shop\.partner has no field 'emial'"):
            self.exported(self.partner(), direct=[("emial", "mail")])

    def test_an_entry_that_is_no_pair_is_refused(self):
        for entry in ("name", ("name", "name", "name")):
            with self.assertRaisesRegex(MappingError, r"SomeMapper, direct: .* is not \(source, target\)"):
                self.imported({}, direct=[entry])
        with self.assertRaisesRegex(MappingError, r"SomeMapper, children: .* is not \(source, target, model\)"):
            self.imported({}, children=[("lines", "line_ids")])

    def test_an_external_id_is_not_written_to_a_relation_as_it_is(self):
        with self.assertRaisesRegex(
            MappingError, r"SomeMapper, main_tag_id: 'main_tag_id' is a relation.*external_to_m2o"
        ):
            self.imported({"tag": 1}, direct=[("tag", "main_tag_id")])

    def test_a_record_is_not_exported_as_it_is(self):
        with self.assertRaisesRegex(MappingError, r"SomeMapper, tag: 'main_tag_id' is a relation.*m2o_to_external"):
            self.exported(self.partner(), direct=[("main_tag_id", "tag")])


class TestModifiers(MapperCase):
    def test_none_makes_none_of_what_odoo_calls_empty(self):
        record = self.partner(nickname=False)
        values = self.exported(record, direct=[(none("nickname"), "nickname"), (none("sync_date"), "date")])
        self.assertEqual(values, {"nickname": None, "date": None})

    def test_none_leaves_numbers_and_booleans_alone(self):
        record = self.partner(points=0, discount=0.0, newsletter=False)
        values = self.exported(record, direct=[(none(name), name) for name in ("points", "discount", "newsletter")])
        self.assertEqual(values, {"points": 0, "discount": 0.0, "newsletter": False})

    def test_convert_converts(self):
        self.assertEqual(self.imported({"points": "42"}, direct=[(convert("points", int), "points")]), {"points": 42})

    def test_convert_converts_zero_and_false(self):
        values = self.imported(
            {"a": 0, "b": False}, direct=[(convert("a", str), "nickname"), (convert("b", int), "points")]
        )
        self.assertEqual(values, {"nickname": "0", "points": 0})

    def test_any_function_converts(self):
        direct = [(convert("points", partial(int, base=16)), "points")]
        self.assertEqual(self.imported({"points": "ff"}, direct=direct), {"points": 255})
        with self.assertRaisesRegex(MappingError, "points: 'many' cannot be converted by functools.partial"):
            self.imported({"points": "many"}, direct=direct)

    def test_convert_leaves_none_alone(self):
        self.assertEqual(
            self.imported({"points": None}, direct=[(convert("points", int), "points")]), {"points": False}
        )

    def test_a_binding_model_that_does_not_exist_is_refused_by_name(self):
        with self.assertRaisesRegex(InvalidBackend, r"SomeMapper: the model 'test\.shop\.tga' does not exist"):
            self.imported({"tag": 1}, direct=[(external_to_m2o("tag", binding="test.shop.tga"), "main_tag_id")])

    def test_a_value_that_cannot_be_converted_is_an_error_that_names_field_and_value(self):
        with self.assertRaisesRegex(MappingError, "SomeMapper, points: 'many' cannot be converted by int"):
            self.imported({"points": "many"}, direct=[(convert("points", int), "points")])

    def test_an_external_id_becomes_the_id_of_its_binding(self):
        tag = self.tag("7")
        self.assertEqual(
            self.imported({"tag": 7}, direct=[(external_to_m2o("tag"), "main_tag_id")]), {"main_tag_id": tag.id}
        )

    def test_an_external_id_becomes_the_id_of_the_record_that_is_bound(self):
        tag = self.tag("7")
        values = self.imported({"tag": 7}, direct=[(external_to_m2o("tag", binding="test.shop.tag"), "base_tag_id")])
        self.assertEqual(values, {"base_tag_id": tag.odoo_id.id})

    def test_the_external_id_zero_becomes_the_id_of_its_binding(self):
        tag = self.tag("0")
        self.assertEqual(
            self.imported({"tag": 0}, direct=[(external_to_m2o("tag"), "main_tag_id")]), {"main_tag_id": tag.id}
        )

    def test_no_external_id_empties_the_relation(self):
        for nothing in (None, False, ""):
            self.assertEqual(
                self.imported({"tag": nothing}, direct=[(external_to_m2o("tag"), "main_tag_id")]),
                {"main_tag_id": False},
            )

    def test_an_external_id_that_is_unknown_here_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(
            MappingError, "test.shop.tag has no record with the external id 8 of Test Shop; import it"
        ):
            self.imported({"tag": 8}, direct=[(external_to_m2o("tag"), "main_tag_id")])

    def test_an_error_in_the_data_speaks_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        french = {"%(value)s cannot be converted by %(name)s: %(error)s": "%(value)s n'est pas %(name)s"}
        self.patch(code_translations, "get_python_translations", lambda module, lang: french if lang == "fr_FR" else {})
        self.backend = self.backend.with_context(lang="fr_FR")
        self.backend.default_lang_id = self.env.ref("base.lang_en")
        with self.assertRaisesRegex(MappingError, "SomeMapper, points: 'many' n'est pas int"):
            self.imported({"points": "many"}, direct=[(convert("points", int), "points")])

    def test_a_binding_becomes_its_external_id(self):
        record = self.partner(main_tag_id=self.tag("7").id)
        self.assertEqual(self.exported(record, direct=[(m2o_to_external("main_tag_id"), "tag")]), {"tag": "7"})

    def test_a_bound_record_becomes_its_external_id(self):
        record = self.partner(base_tag_id=self.tag("0").odoo_id.id)
        values = self.exported(record, direct=[(m2o_to_external("base_tag_id", binding="test.shop.tag"), "tag")])
        self.assertEqual(values, {"tag": "0"})

    def test_an_empty_relation_becomes_none(self):
        self.assertEqual(self.exported(self.partner(), direct=[(m2o_to_external("main_tag_id"), "tag")]), {"tag": None})

    def test_a_record_that_is_unknown_there_is_an_error_that_names_it(self):
        tag = self.tag()
        record = self.partner(main_tag_id=tag.id)
        with self.assertRaisesRegex(
            MappingError, f"tag: Tag \\(test.shop.tag, id {tag.id}\\) is not known to Test Shop; export it first"
        ):
            self.exported(record, direct=[(m2o_to_external("main_tag_id"), "tag")])

    def test_a_path_of_relations_is_followed(self):
        record = self.partner(base_tag_id=self.env["res.partner.category"].create({"name": "Gold", "color": 0}).id)
        values = self.exported(
            record,
            direct=[
                (follow_m2o_relations("base_tag_id.name"), "tag"),
                (follow_m2o_relations("base_tag_id.color"), "color"),
            ],
        )
        self.assertEqual(values, {"tag": "Gold", "color": 0})

    def test_a_path_with_an_empty_relation_ends_in_none(self):
        values = self.exported(self.partner(), direct=[(follow_m2o_relations("base_tag_id.parent_id.name"), "tag")])
        self.assertEqual(values, {"tag": None})

    def test_modifiers_can_be_nested(self):
        record = self.partner(main_tag_id=self.tag("7").id)
        values = self.exported(
            record,
            direct=[
                (convert(m2o_to_external("main_tag_id"), int), "tag"),
                (none(follow_m2o_relations("main_tag_id.parent_id")), "parent"),
                (m2o_to_external(follow_m2o_relations("main_tag_id.odoo_id"), binding="test.shop.tag"), "same"),
            ],
        )
        self.assertEqual(values, {"tag": 7, "parent": None, "same": "7"})

    def test_none_of_a_path_asks_the_type_of_the_field_at_its_end(self):
        category = self.env["res.partner.category"].create({"name": "Gold", "color": 0})
        record = self.partner(base_tag_id=category.id, parent_id=self.env["res.partner"].create({"name": "x"}).id)
        paths = (
            "base_tag_id.color",
            "base_tag_id.active",
            "parent_id.is_company",
            "parent_id.ref",
            "parent_id.parent_id",
        )
        values = self.exported(record, direct=[(none(follow_m2o_relations(path)), path) for path in paths])
        self.assertEqual(
            values,
            {
                "base_tag_id.color": 0,
                "base_tag_id.active": True,
                "parent_id.is_company": False,
                "parent_id.ref": None,
                "parent_id.parent_id": None,
            },
        )

    def test_a_converted_external_id_becomes_the_id_of_its_binding(self):
        tag = self.tag("0")
        direct = [(external_to_m2o(convert("tag", lambda tag: tag["id"])), "main_tag_id")]
        self.assertEqual(self.imported({"tag": {"id": 0}}, direct=direct), {"main_tag_id": tag.id})
        self.assertEqual(self.imported({"tag": None}, direct=direct), {"main_tag_id": False})

    def test_only_none_is_empty_through_nested_modifiers(self):
        direct = [(convert(none(none("value")), lambda value: value), "points")]
        for value in (0, False, "", 0.0):
            self.assertIs(self.imported({"value": value}, direct=direct)["points"], value)

    def test_what_is_no_record_has_no_external_id(self):
        with self.assertRaisesRegex(MappingError, "tag: 'Ada' is not a record"):
            self.exported(self.partner(), direct=[(m2o_to_external(convert("name", str)), "tag")])

    def test_an_external_id_for_a_field_that_is_no_relation_needs_a_binding_model(self):
        with self.assertRaisesRegex(MappingError, r"points: is no relation, so external_to_m2o\(\) has to be told"):
            self.imported({"tag": 1}, direct=[(external_to_m2o("tag"), "points")])

    def test_a_relation_to_what_is_no_binding_is_an_error_that_names_the_way_out(self):
        with self.assertRaisesRegex(InvalidDataError, "res.partner.category is no binding model.*register a binder"):
            self.imported({"tag": 1}, direct=[(external_to_m2o("tag"), "base_tag_id")])

    def test_a_modifier_of_ones_own_is_a_function_of_mapper_record_and_target(self):
        def shout(mapper, record, target):
            return record["nickname"].upper() + target

        self.assertEqual(self.imported({"nickname": "ada"}, direct=[(shout, "nickname")]), {"nickname": "ADAnickname"})


class TestMethods(MapperCase):
    def test_a_method_maps_any_fields_to_any_fields(self):
        @mapping
        def name(mapper, record):
            return {"name": f"{record['first']} {record['last']}", "nickname": record["first"]}

        values = self.imported({"first": "Ada", "last": "Lovelace"}, full_name=name)
        self.assertEqual(values, {"name": "Ada Lovelace", "nickname": "Ada"})

    def test_a_method_may_map_nothing(self):
        self.assertEqual(self.imported({}, nothing=mapping(lambda mapper, record: None)), {})

    def test_a_method_that_returns_no_dict_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(
            MappingError, r"SomeMapper, wrong\(\): must return a dict of values or None, not 42"
        ):
            self.imported({}, wrong=mapping(lambda mapper, record: 42))

    def test_a_method_that_looks_for_what_is_not_there_is_an_error_that_tells_what_is(self):
        method = mapping(lambda mapper, record: {"name": record["kind"]})
        with self.assertRaisesRegex(
            MappingError, r"SomeMapper, wrong\(\): looks for 'kind', which is not there; the record has id, name$"
        ):
            self.imported({"id": 1, "name": "Ada"}, wrong=method)

    def test_the_decorator_may_have_parentheses(self):
        self.assertEqual(self.imported({}, method=mapping()(lambda mapper, record: {"name": "x"})), {"name": "x"})

    def test_only_create_without_mapping_is_refused(self):
        with self.assertRaisesRegex(MappingError, r"SomeMapper, name\(\): is marked with @only_create, but not with"):
            self.imported({}, name=only_create(lambda mapper, record: {"name": "x"}))

    def test_a_method_without_decorator_is_not_called(self):
        self.assertEqual(self.imported({}, helper=lambda mapper, record: {"name": "x"}), {})

    def test_an_only_create_method_is_called_for_a_new_record_only(self):
        method = mapping(only_create(lambda mapper, record: {"name": "x"}))
        self.assertEqual(self.imported({}, {"for_create": True}, method=method), {"name": "x"})
        self.assertEqual(self.imported({}, method=method), {})

    def test_the_order_of_decorators_does_not_matter(self):
        method = only_create(mapping(lambda mapper, record: {"name": "x"}))
        self.assertEqual(self.imported({}, method=method), {})

    def test_changed_by_wants_names(self):
        with self.assertRaisesRegex(TypeError, r"@changed_by\('name', 'email'\)"):
            changed_by(lambda mapper, record: None)

    def test_finalize_has_the_last_word(self):
        values = self.imported(
            {"name": "Ada"},
            direct=[("name", "name")],
            finalize=lambda mapper, map_record, values: {**values, "nickname": map_record.source["name"]},
        )
        self.assertEqual(values, {"name": "Ada", "nickname": "Ada"})

    def test_options_are_attributes_and_none_when_not_given(self):
        method = mapping(lambda mapper, record: {"nickname": mapper.options.nickname, "name": mapper.options.name})
        self.assertEqual(self.imported({}, {"nickname": "x"}, method=method), {"nickname": "x", "name": None})

    def test_options_are_gone_after_an_error(self):
        class FailingMapper(ImportMapper):
            @mapping
            def fail(self, record):
                raise ZeroDivisionError

        mapper = FailingMapper(self.environment())
        with self.assertRaises(ZeroDivisionError):
            mapper.map_record({}).values(nickname="x")
        self.assertEqual(mapper.options, {})

    def test_values_can_be_forced(self):
        map_record = self.unit(PartnerImportMapper).map_record({"name": "Ada"})
        map_record.update({"name": "Eve"}, nickname="E")
        values = map_record.values()
        self.assertEqual((values["name"], values["nickname"]), ("Eve", "E"))


class TestChangedFields(MapperCase):
    """A mapping of some fields does only what depends on them."""

    def exported_fields(self, *fields, **attributes):
        """Return the targets that are mapped when the fields have changed."""
        return set(self.exported(self.partner(), {"fields": list(fields)}, **attributes))

    def test_a_direct_mapping_depends_on_its_field(self):
        self.assertEqual(self.exported_fields("email", direct=[("name", "name"), ("email", "mail")]), {"mail"})

    def test_a_modifier_depends_on_its_field(self):
        direct = [
            (none("name"), "name"),
            (convert(none("email"), str), "mail"),
            (follow_m2o_relations("main_tag_id.name"), "tag"),
        ]
        self.assertEqual(self.exported_fields("email", direct=direct), {"mail"})
        self.assertEqual(self.exported_fields("main_tag_id", direct=direct), {"tag"})

    def test_a_modifier_that_does_not_say_depends_on_everything(self):
        self.assertEqual(self.exported_fields("email", direct=[(lambda mapper, record, target: 1, "one")]), {"one"})

    def test_a_method_depends_on_the_fields_it_names(self):
        method = mapping(changed_by("name", "nickname")(lambda mapper, record: {"greeting": "x"}))
        self.assertEqual(self.exported_fields("nickname", method=method), {"greeting"})
        self.assertEqual(self.exported_fields("email", method=method), set())

    def test_a_method_that_names_no_field_depends_on_everything(self):
        self.assertEqual(self.exported_fields("email", method=mapping(lambda mapper, record: {"x": 1})), {"x"})

    def test_children_depend_on_their_field(self):
        children = [("child_ids", "addresses", "res.partner")]
        self.assertEqual(self.exported_fields("email", children=children), set())

    def test_no_changed_field_is_not_the_same_as_all(self):
        self.assertEqual(self.exported_fields(direct=[("name", "name")]), set())


class TestSourceFields(MapperCase):
    def test_a_mapper_tells_which_fields_an_adapter_has_to_read(self):
        class SomeMapper(ImportMapper):
            direct = [("mail", "email"), (convert("points", int), "points")]
            children = [("addresses", "child_ids", "res.partner")]

            @mapping
            @changed_by("first", "last")
            def name(self, record):
                return {"name": f"{record['first']} {record['last']}"}

        fields = SomeMapper(self.environment()).source_fields
        self.assertEqual(fields, {"mail", "points", "addresses", "first", "last"})


class TestInheritance(MapperCase):
    def values(self, mapper_class, record, **options):
        return mapper_class(self.environment()).map_record(record).values(**options)

    def test_a_mapper_adds_to_the_direct_mappings_of_its_base(self):
        class Special(PartnerImportMapper):
            direct = [("nick", "ref")]

        values = self.values(Special, {"name": "Ada", "nick": "A"})
        self.assertEqual((values["name"], values["ref"]), ("Ada", "A"))

    def test_an_entry_for_the_same_target_takes_the_place_of_the_bases(self):
        class Special(PartnerImportMapper):
            direct = [("full_name", "name")]

        self.assertEqual(self.values(Special, {"name": "Ada", "full_name": "Ada L"})["name"], "Ada L")

    def test_an_overridden_method_stays_a_mapping(self):
        class Base(ImportMapper):
            @mapping
            def name(self, record):
                return {"name": "base"}

        class Special(Base):
            def name(self, record):
                return {**super().name(record), "nickname": "special"}

        self.assertEqual(self.values(Special, {}), {"name": "base", "nickname": "special"})

    def test_the_fields_of_an_overridden_method_count_too(self):
        class Base(ExportMapper):
            @mapping
            @changed_by("name")
            def name(self, record):
                return {"x": 1}

        class Special(Base):
            @mapping
            @changed_by("nickname")
            def name(self, record):
                return super().name(record)

        record = self.partner()
        for field in ("name", "nickname"):
            self.assertEqual(self.values(Special, record, fields=[field]), {"x": 1})
        self.assertEqual(self.values(Base, record, fields=["nickname"]), {})

    def test_two_mappers_combined_leave_each_other_as_they_were(self):
        class One(ExportMapper):
            direct = [("name", "name")]

            @mapping
            @changed_by("name")
            def greeting(self, record):
                return {"greeting": "one"}

        class Other(ExportMapper):
            direct = [("email", "mail")]

            @mapping
            @changed_by("email")
            def greeting(self, record):
                return {"greeting": "other"}

        class Both(One, Other):
            @mapping
            @changed_by("nickname")
            def greeting(self, record):
                return super().greeting(record)

        record = self.partner()
        self.assertEqual(set(self.values(Both, record)), {"name", "mail", "greeting"})
        for fields in (["name"], ["email"], ["nickname"]):
            self.assertEqual(self.values(Both, record, fields=fields)["greeting"], "one")
        self.assertEqual(
            (set(self.values(One, record)), self.values(One, record, fields=["email"])), ({"name", "greeting"}, {})
        )
        self.assertEqual(
            (set(self.values(Other, record)), self.values(Other, record, fields=["name"])), ({"mail", "greeting"}, {})
        )

    def test_a_mapping_is_compiled_once_per_class_and_registry(self):
        self.patch(self.registry, "ready", True)
        environment = self.environment()
        PartnerImportMapper(environment)
        with patch.object(Mapper, "_compile", side_effect=AssertionError("compiled again")):
            PartnerImportMapper(environment)


class TestChildren(MapperCase):
    def setUp(self):
        super().setUp()

        class AddressImportMapper(ImportMapper):
            _model_name = "res.partner"
            direct = [("street", "street")]

            @mapping
            def name(self, record):
                return {"name": f"{self.options.prefix or ''}{record['street']}"}

        class AddressExportMapper(ExportMapper):
            _model_name = "res.partner"
            direct = [("street", "street")]

        self.enterContext(registering(webshop))
        self.address_import_mapper = webshop(AddressImportMapper)
        webshop(AddressExportMapper)

    import_children = [("addresses", "child_ids", "res.partner")]

    def test_imported_children_are_mapped_by_their_own_mapper_and_created(self):
        record = {"addresses": [{"street": "A"}, {"street": "B"}]}
        values = self.imported(record, {"for_create": True}, children=self.import_children)
        self.assertEqual(
            values, {"child_ids": [(0, 0, {"street": "A", "name": "A"}), (0, 0, {"street": "B", "name": "B"})]}
        )

    def test_a_record_without_children_has_none(self):
        self.assertEqual(self.imported({}, children=self.import_children), {"child_ids": []})

    def test_children_know_the_options_of_their_parent(self):
        values = self.imported(
            {"addresses": [{"street": "A"}]}, {"prefix": "* ", "for_create": True}, children=self.import_children
        )
        self.assertEqual(values["child_ids"][0][2]["name"], "* A")

    def test_children_know_their_parent(self):
        parents = []
        self.patch(
            self.address_import_mapper,
            "finalize",
            lambda mapper, map_record, values: parents.append(map_record.parent) or values,
        )
        record = {"addresses": [{"street": "A"}]}
        self.imported(record, {"for_create": True}, children=self.import_children)
        self.assertIs(parents[0].source, record)

    def test_exported_children_become_a_list_of_dicts(self):
        record = self.partner(child_ids=[(0, 0, {"name": name, "type": "other", "street": name}) for name in "AB"])
        values = self.exported(record, children=[("child_ids", "addresses", "res.partner")])
        self.assertEqual(values, {"addresses": [{"street": "A"}, {"street": "B"}]})

    def test_children_of_a_record_of_which_some_fields_changed_are_exported_whole(self):
        record = self.partner(child_ids=[(0, 0, {"name": "x", "street": "A"})])
        values = self.exported(record, {"fields": ["child_ids"]}, children=[("child_ids", "addresses", "res.partner")])
        self.assertEqual(values, {"addresses": [{"street": "A"}]})

    def test_which_children_are_left_out_is_said_by_a_unit(self):
        @webshop
        class AddressChild(ImportMapChild):
            _model_name = "res.partner"

            def skip_item(self, map_record):
                return map_record.source["street"] == "A"

        record = {"addresses": [{"street": "A"}, {"street": "B"}]}
        values = self.imported(record, {"for_create": True}, children=self.import_children)
        self.assertEqual(values, {"child_ids": [(0, 0, {"street": "B", "name": "B"})]})

    def test_the_unit_for_imported_children_is_not_taken_for_exported_ones(self):
        webshop(type("AddressChild", (ImportMapChild,), {"_model_name": "res.partner"}))
        record = self.partner(child_ids=[(0, 0, {"name": "x", "street": "A"})])
        values = self.exported(record, children=[("child_ids", "addresses", "res.partner")])
        self.assertEqual(values, {"addresses": [{"street": "A"}]})


class TestPage(MapperCase):
    """Many records at once."""

    def page(self, records, base=ImportMapper, **attributes):
        mapper_class = type("SomeMapper", (base,), attributes)
        self.env.flush_all()
        self.env.invalidate_all()
        return mapper_class(self.environment()).map_records(records)

    def test_the_values_come_in_the_order_of_the_records(self):
        page = self.page([{"name": name} for name in "CAB"], direct=[("name", "name")])
        self.assertEqual((len(page), [values["name"] for values in page.values()]), (3, ["C", "A", "B"]))

    def test_a_page_without_records_has_no_values(self):
        self.assertEqual(self.page([], direct=[(external_to_m2o("tag"), "main_tag_id")]).values(), [])

    def test_what_an_import_points_to_is_looked_up_by_one_query_a_binding_model(self):
        tags = [self.tag(str(number)) for number in range(5)]
        parent = self.partner("9")
        direct = [
            (external_to_m2o("tag"), "main_tag_id"),
            (external_to_m2o(convert("text", int), binding="test.shop.tag"), "base_tag_id"),
            (external_to_m2o("parent", binding="test.shop.partner"), "parent_id"),
        ]
        page = self.page(
            [{"tag": n, "text": str(4 - n), "parent": 9} for n in range(5)] + [{"tag": None}], direct=direct
        )
        with self.assertQueryCount(2):
            found = page.values()
        self.assertEqual([values["main_tag_id"] for values in found], [*(tag.id for tag in tags), False])
        self.assertEqual([values["base_tag_id"] for values in found[:5]], [tag.odoo_id.id for tag in reversed(tags)])
        self.assertEqual({values["parent_id"] for values in found[:5]}, {parent.odoo_id.id})

    def test_what_an_export_points_to_is_looked_up_by_one_query_a_binding_model(self):
        tags = [self.tag(str(number)) for number in range(5)]
        partners = self.Partner.union(*(self.partner(base_tag_id=tag.odoo_id.id) for tag in tags))
        page = self.page(partners, base=ExportMapper, direct=[(m2o_to_external("base_tag_id", "test.shop.tag"), "tag")])
        partners.mapped("base_tag_id")
        with self.assertQueryCount(1):
            values_list = page.values()
        self.assertEqual([values["tag"] for values in values_list], ["0", "1", "2", "3", "4"])

    def test_what_a_method_has_looked_up_is_remembered_for_the_page(self):
        tag = self.tag("1")

        @mapping
        def tags(mapper, record):
            return {"main_tag_id": mapper.binder_for("test.shop.tag").to_internal(record["tag"]).id}

        page = self.page([{"tag": 1}] * 5, tags=tags)
        with self.assertQueryCount(1):
            self.assertEqual({values["main_tag_id"] for values in page.values()}, {tag.id})

    def test_what_was_not_found_is_looked_up_again(self):
        """As somebody may have created it for the record before."""

        @mapping
        def tag(mapper, record):
            found = mapper.binder_for("test.shop.tag").to_internal(1)
            return {"main_tag_id": (found or self.tag("1")).id}

        first, second = self.page([{}, {}], tag=tag).values()
        self.assertEqual(first, second)

    def test_nothing_is_remembered_after_the_page(self):
        tag = self.tag("1")
        mapper = type("M", (ImportMapper,), {"direct": [(external_to_m2o("tag"), "main_tag_id")]})(self.environment())
        mapper.map_records([{"tag": 1}]).values()
        tag.external_id = "2"
        with self.assertRaisesRegex(MappingError, "has no record with the external id 1"):
            mapper.map_record({"tag": 1}).values()

    def test_a_page_knows_which_record_is_new(self):
        method = mapping(only_create(lambda mapper, record: {"name": "new"}))
        mapper = type("M", (ImportMapper,), {"method": method})(self.environment())
        values_list = mapper.map_records([{}, {}], bindings=[self.partner(), self.Partner]).values()
        self.assertEqual(values_list, [{}, {"name": "new"}])

    def test_options_and_fields_are_for_all(self):
        page = self.page(
            [{"name": "x", "mail": "y"}],
            direct=[("name", "name"), ("mail", "email")],
            option=mapping(changed_by("mail")(lambda mapper, record: {"ref": mapper.options.ref})),
        )
        self.assertEqual(page.values(fields=["mail"], ref="r"), [{"email": "y", "ref": "r"}])


class TestExplanation(MapperCase):
    def explained(self, record, options=None, base=ImportMapper, **attributes):
        """Return (target, source, how, value, error) for each line of the explanation."""
        mapper_class = type("SomeMapper", (base,), attributes)
        rows = mapper_class(self.environment()).explain(record, **(options or {}))
        return [(row.target, row.source, row.how, row.value, row.error) for row in rows]

    def test_each_target_has_its_source_and_what_was_done(self):
        tag = self.tag("7")

        @mapping
        @changed_by("first", "last")
        def full_name(mapper, record):
            return {"name": f"{record['first']} {record['last']}", "nickname": record["first"]}

        rows = self.explained(
            {"mail": "a@b", "tag": "7", "first": "Ada", "last": "Lovelace"},
            direct=[("mail", "email"), (external_to_m2o(convert("tag", int)), "main_tag_id")],
            full_name=full_name,
            finalize=lambda mapper, map_record, values: {**values, "email": values["email"].upper()},
        )
        self.assertEqual(
            rows,
            [
                ("email", "mail", "direct", "a@b", None),
                ("main_tag_id", "tag", "external_to_m2o() of convert(int)", tag.id, None),
                ("name", "first, last", "full_name()", "Ada Lovelace", None),
                ("nickname", "first, last", "full_name()", "Ada", None),
                ("email", "", "finalize()", "A@B", None),
            ],
        )

    def test_an_error_does_not_hide_the_others(self):
        def wrong(mapper, record):
            mapper.env.cr.execute("SELECT 1 / 0")

        with mute_logger("odoo.sql_db"):
            rows = self.explained(
                {"points": "many", "mail": "a@b"},
                direct=[(convert("points", int), "points"), (external_to_m2o("tag"), "main_tag_id"), ("mail", "email")],
                wrong=mapping(wrong),
                right=mapping(lambda mapper, record: {"name": str(mapper.env.user.id)}),
            )
        self.assertEqual(
            [row[:3] for row in rows if row[4]], [("points", "points", "convert(int)"), ("", "", "wrong()")]
        )
        self.assertIn("'many' cannot be converted by int", rows[1][4])
        self.assertRegex(rows[3][4], "DivisionByZero: division by zero")
        self.assertEqual(rows[-1][:4], ("name", "", "right()", str(self.env.uid)))

    def test_it_depends_on_the_options_as_the_mapping_does(self):
        method = mapping(only_create(lambda mapper, record: {"name": mapper.options.name}))
        self.assertEqual(self.explained({}, method=method), [])
        rows = self.explained({}, {"for_create": True, "name": "x"}, method=method)
        self.assertEqual(rows, [("name", "", "method()", "x", None)])

    def test_what_is_not_in_the_record_is_told(self):
        mapper = type("SomeMapper", (ImportMapper,), {"direct": [("mail", "email")]})(self.environment())
        self.assertEqual([str(row) for row in mapper.explain({})], ["email: not in the record (direct from mail)"])

    def test_a_modifier_of_ones_own_is_called_by_its_name(self):
        def shout(mapper, record, target):
            return "X"

        self.assertEqual(self.explained({}, direct=[(shout, "name")]), [("name", "", "shout()", "X", None)])

    def test_what_odoo_refuses_tells_where_the_values_come_from(self):
        self.shop.add("test.shop.partner", 7, name="Ada", points=2**40, nickname="x" * 1000)
        with mute_logger("odoo.sql_db"), self.assertRaises(DataError) as caught:
            self.unit(RecordImporter).run(7)
        (note,) = caught.exception.__notes__
        self.assertIn("PartnerImportMapper:\n- name: 'Ada' (direct from name)\n", note)
        self.assertIn(f"\n- points: {2**40} (direct from points)\n", note)
        self.assertIn("\n- main_tag_id: not in the record (external_to_m2o() from tag)\n", note)
        self.assertNotIn("x" * 500, note)


class TestShopMappers(MapperCase):
    """The mappers of the shop, as a connector has them."""

    def test_a_partner_is_imported(self):
        tag, parent = self.tag("3"), self.partner("1")
        record = {"id": 2, "name": "Ada", "mail": "a@b", "points": 0, "tag": 3, "parent": 1}
        values = self.unit(PartnerImportMapper).map_record(record).values()
        self.assertEqual(
            values,
            {
                "name": "Ada",
                "email": "a@b",
                "points": 0,
                "main_tag_id": tag.id,
                "parent_id": parent.odoo_id.id,
            },
        )

    def test_a_partner_is_exported(self):
        values = self.unit(PartnerExportMapper).map_record(self.partner(email="a@b", points=5)).values(for_create=True)
        self.assertEqual(
            values, {"name": "Ada", "mail": "a@b", "points": 5, "tag": None, "greeting": "Dear Ada", "source": "odoo"}
        )
