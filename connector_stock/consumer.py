"""The consumer of ``on_stock_changed`` that delays the export of stock."""

from collections import defaultdict

from odoo.addons.connector import ConnectorSession, delay_bulk_export

from .collecting import collect


def delay_stock_export(session: ConnectorSession, model_name: str, record_id: int, warehouse_id: int) -> None:
    """Delay the export of the stock of a product to the backends that are told of a warehouse.

    A connector subscribes it::

        on_stock_changed.subscribe(delay_stock_export)

    The products of a transaction are exported together: by one job for each backend and five
    hundred products.

    :param record_id: id of the product
    """
    collect(session, _delay, (record_id, warehouse_id))


def _delay(session: ConnectorSession, changed: list[tuple[int, int]]) -> None:
    env = session.env(su=True, context={**session.env.context, "active_test": False})
    products = defaultdict(set)
    for product_id, warehouse_id in changed:
        products[warehouse_id].add(product_id)
    for model in _binding_models(env):
        for backend in env[model._fields["backend_id"].comodel_name].search([("active", "=", True)]):
            told = set().union(*(products.get(warehouse.id, ()) for warehouse in backend._stock_warehouses()))
            if told and backend._tells_stock():
                delay_bulk_export(session, model._stock_bindings(backend, told), "stock")


def _binding_models(env):
    """Return the models of the bindings of products whose stock is told, as empty recordsets."""
    names = env.registry.descendants(["connector.stock.binding"], "_inherit")
    return [env[name] for name in names if not env[name]._abstract]
