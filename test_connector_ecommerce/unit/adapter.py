"""Adapters of the corner shop."""

from odoo.addons.connector.declaration import CursorPages, RestAdapter, Since, secret

from ..backend import corner


class CornerAdapter(RestAdapter):
    path: str | None  # type: ignore[assignment]  # mypy looks past RestAdapter, where it is one
    headers = {"X-Corner-Key": secret("key")}
    records, find = "entries", "?number={number}"
    paginator = CursorPages(size=50, next="next", parameter="from", size_parameter="most")
    changed = Since(parameter="revised_since", order="revised")


@corner
class Goods(CornerAdapter):
    _model_name = "corner.product.product"
    path, id_field = "/goods", "key"

    def write_many(self, changes):
        rows = [{"good": key, "count": data["count"]} for key, data in changes.items()]
        self.request_json("PATCH", "/holdings", json={"rows": rows})


@corner
class Buyers(CornerAdapter):
    _model_name = "corner.res.partner"
    path, id_field = "/buyers", "key"


@corner
class Purchases(CornerAdapter):
    _model_name = "corner.sale.order"
    path, id_field = "/purchases", "ref"

    def write(self, external_id, data):
        if data.get("is_cancelled"):
            self.request_json("POST", self.path_to("/purchases", external_id, "drop"))


@corner
class Parcels(CornerAdapter):
    """The shop finds a parcel below its purchase only, so the id of a parcel has both."""

    _model_name = "corner.stock.picking"
    path, id_field = "/parcels", "key"

    def create(self, data, idempotency_key=None):
        rows = [{"pos": int(pos), "count": int(count)} for pos, count in data["lines"].items()]
        parcel = {"rows": rows, "our_ref": idempotency_key, "track": self._track_of(data)}
        answer = self.request_json("POST", self.path_to("/purchases", data["order"], "parcels"), json=parcel)
        return f"{data['order']}/{answer['key']}"

    def find_by_key(self, idempotency_key):
        order = idempotency_key.split("|")[0]
        path = self.path_to("/purchases", order, "parcels")
        found = self.request_json("GET", path, params={"our_ref": idempotency_key})["entries"]
        return f"{order}/{found[0]['key']}" if found else None

    def write(self, external_id, data):
        order, key = external_id.split("/")
        path = self.path_to("/purchases", order, "parcels", key, "track")
        self.request_json("PUT", path, json=self._track_of(data))

    def _track_of(self, data):
        return {"carrier": data.get("carrier") or "other", "number": data["tracking"]} if data["tracking"] else None
