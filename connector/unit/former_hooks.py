"""Refuse units that override hooks of OCA's connector, and tell what to do instead.

A unit that defines one of them would be ignored in silence. So its class is refused where it is
defined, or where it is combined with its extensions.
"""

_ANY_UNIT = {
    "_apply_on": "name the model in _model_name",
    "_collection": "register the class with its Backend: @shop",
    "_usage": "inherit the class that does it, such as ImportMapper; it is asked for by that class",
    "_component_match": "register the class with a Backend of that version, or override match()",
    "_inherit": "inherit the Python class, or register an extension: @shop(extends=TheClass)",
}
_SYNCHRONIZER = {
    "_base_mapper_usage": "set _base_mapper to the class of the mapper",
    "_base_backend_adapter_usage": "override backend_adapter",
}
#: Name of a base class here to a dict: name of the hook to what to do instead
FORMER_HOOKS = {
    "ConnectorUnit": _ANY_UNIT,
    "Mapper": {
        "_apply": "override finalize(), or apply()",
        "_finalize": "override finalize()",
        "_map_child": "override the steps of the MapChild",
        "_get_map_child_unit": "set _map_child_class, or register a MapChild for the model of the children",
        "_get_map_child_component": "set _map_child_class, or register a MapChild for the model of the children",
        "_map_child_usage": "register a MapChild for the model of the children",
        "_map_child_fallback": "set _map_child_class",
        "_mapping_methods": "mark methods with @mapping",
        "_map_methods": "mark methods with @mapping",
        "_changed_by_fields": "declare fields with @changed_by, or override changed_by_fields()",
    },
    "MapChild": {"_child_mapper": "register a mapper for the model of the children"},
    "ImportMapChild": {
        "format_items": "the commands are made here, for children that exist, too: override get_item_values(), "
        "skip_item() or remove_item(), or get_items() for commands of your own",
    },
    "Synchronizer": _SYNCHRONIZER,
    "RecordImporter": {
        "_before_import": "override _must_skip(), _import_dependencies() or _map_data()",
        "_is_uptodate": "override _get_external_version(), or _is_known_state()",
        "_get_magento_data": "override _read()",
        "_get_remote_data": "override _read()",
        "_validate_create_data": "override _validate_data()",
        "_validate_update_data": "override _validate_data()",
        "_has_to_skip": "override _must_skip()",
        "_retry_unique_violation": "nothing: it is done here",
    },
    "BatchImporter": {
        "_search": "override list_pages() of the adapter, or search() or search_read()",
        "_import_found": "override _jobs_of()",
    },
    "DirectBatchImporter": {"_import_record": "inherit DelayedBatchImporter, or override the steps of RecordImporter"},
    "BulkBatchImporter": {"_import_record": "inherit DelayedBatchImporter, or override the steps of RecordImporter"},
    "RecordExporter": {
        "_should_import": "set _conflict_policy",
        "_delay_import": "set _conflict_policy",
        "_has_to_skip": "override _must_skip()",
        "_validate_create_data": "override _validate_data()",
        "_validate_update_data": "override _validate_data()",
        "_run": "override the steps of run()",
        "_default_binding_field": "give _export_dependency() the binding",
        "_retry_unique_violation": "nothing: it is done here",
    },
    "Binder": {
        "_openerp_field": "set _odoo_field",
        "to_openerp": "override to_internal_many()",
        "to_odoo": "override to_internal_many()",
        "to_backend": "override to_external_many()",
    },
}
_FRAMEWORK = "odoo.addons.connector."


def refuse_former_hooks(unit_class: type) -> None:
    """Refuse a class that overrides what nothing calls.

    :raise ValueError: it does; the message names class and hook, and what to do instead
    """
    parts = [part for part in unit_class.__mro__ if not part.__module__.startswith(_FRAMEWORK)]
    hooks = {
        name: instead
        for base in unit_class.__mro__
        if base.__module__.startswith(_FRAMEWORK)
        for name, instead in FORMER_HOOKS.get(base.__name__, {}).items()
    }
    for part in parts:
        for name in vars(part).keys() & hooks.keys():
            raise ValueError(
                f"{part.__module__}.{part.__qualname__} defines {name}, which nothing calls here. Instead: {hooks[name]}"
            )
