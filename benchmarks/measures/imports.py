"""Measures of imports: new records, the same with two fields changed, the same unchanged."""

from ..measure import Figure, at_most, measure, times


@measure(
    "Import {records} partners, 2 processes",
    peers=("framework", "odoo_create", "oca_framework"),
    new=Figure("records/s, new", times(0.75, "odoo_create")),
    changed=Figure("records/s, two fields changed", times(15, "oca_framework")),
    unchanged=Figure("records/s, nothing changed", times(50, "oca_framework")),
    queries=Figure("queries a record, nothing changed", at_most(0.02)),
)
def import_partners(peer, options):
    if peer.name == "odoo_create":
        return create("partner", peer, options.records)
    with peer.importing("partner") as process:
        first, count = peer.new_numbers("partner", options.records)
        figures = {"new": count / peer.import_records(process, "partner", first, count)}
        peer.change()
        figures["changed"] = count / peer.import_records(process, "partner", first, count)
        before = peer.queries()
        figures["unchanged"] = count / peer.import_records(process, "partner", first, count)
        return figures | ({} if before is None else {"queries": (peer.queries() - before) / count})


@measure(
    "Import {records} products, 2 processes",
    peers=("framework", "odoo_create", "oca_framework"),
    new=Figure("records/s, new", times(0.75, "odoo_create")),
    changed=Figure("records/s, two fields changed"),
)
def import_products(peer, options):
    if peer.name == "odoo_create":
        return create("product", peer, options.records)
    with peer.importing("product") as process:
        first, count = peer.new_numbers("product", options.records)
        new = count / peer.import_records(process, "product", first, count)
        peer.change()
        return {"new": new, "changed": count / peer.import_records(process, "product", first, count)}


def create(kind, peer, count):
    """Measure the creation of the records by Odoo itself."""
    peer.create_records(kind, peer.new_numbers(kind, 0)[0], peer.warm_up)
    first, count = peer.new_numbers(kind, count)
    return {"new": count / peer.create_records(kind, first, count)}
