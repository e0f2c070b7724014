"""A small shop over REST, with words of its own for everything.

- Amounts are whole numbers, in the smallest unit of the currency. Each row has its own taxes.
- A buyer without an account has no key. A purchase can be revised until it is sent.
- It sends in parcels, each with some of what is left. It takes what is bought off its own stock.
- What it did for a reference of ours, it can find by that reference.

All of it lives in memory. :meth:`CornerShop.answer` is for ``local_server``.
"""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from odoo.addons.connector.testing import Answer

KEY = "corner-key"
_PAGE = 50  # the shop gives no more at once, whatever is asked for


class Refused(Exception):
    """A request that the shop refuses, with the status of its answer."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class CornerShop:
    def __init__(self):
        self.goods = {}
        self.buyers = {}
        self.purchases = {}
        self.loses_the_answer = False
        self._lock = threading.Lock()  # several workers ask at once
        self._begin, self._moments = datetime.now(UTC).replace(microsecond=0), 0

    # What people do there

    def add_good(self, key, code, title, minor, count=100):
        """Offer a good; a price in minor units, with tax."""
        self.goods[key] = {
            "key": key, "code": code, "title": title, "minor": minor, "count": count, "revised": self._now()
        }  # fmt: skip
        return self.goods[key]

    def add_buyer(self, key, full_name, mail, **more):
        """Open an account for a buyer."""
        place = {"road": "Main Street 1", "post_code": "10115", "town": "Berlin", "land": "DE"}
        self.buyers[key] = {
            "key": key, "full_name": full_name, "mail": mail, "firm": "", "vat_no": "", "place": place, "revised": self._now()
        } | more  # fmt: skip
        return self.buyers[key]

    def place(self, ref, buyer, rows, carriage=0, rebate=0, percent="19.00", money="EUR", **more):
        """Place a purchase; the shop lowers its own stock.

        :param buyer: key of a buyer, or a dict for somebody without an account
        :param rows: list of (key of the good, count)
        :param carriage: minor units, with tax
        :param rebate: minor units, with tax
        """
        positions = [self._position(number, key, count, percent) for number, (key, count) in enumerate(rows, 1)]
        for key, count in rows:
            self.goods[key]["count"] -= count
        known = self.buyers.get(buyer) if isinstance(buyer, str) else {"key": None, **buyer}
        purchase = {
            "ref": ref, "placed": self._now(), "state": "open", "replaces": None, "money": money, "levied": percent,
            "buyer": {name: known.get(name) or "" for name in ("full_name", "mail", "firm", "vat_no")} | {"key": known["key"]},
            "bill_to": known["place"], "send_to": known["place"],
            "positions": positions,
            "carriage": {"way": "post", "label": "Parcel Post", "minor": carriage, "percent": percent},
            "rebate": {"label": "Voucher", "minor": rebate, "percent": percent},
            "paid_by": {"means": "card", "settled_minor": None, "held": False, "at": None},
            "parcels": [],
        }  # fmt: skip
        self.purchases[ref] = purchase | more
        self._add_up(purchase := self.purchases[ref])
        if purchase["paid_by"]["settled_minor"] is None:
            purchase["paid_by"] |= {"settled_minor": purchase["to_pay_minor"], "at": purchase["placed"]}
        return purchase

    def revise(self, ref, pos, count):
        """Let the buyer change how much he wants of a row; 0 takes the row out."""
        purchase = self.purchases[ref]
        rows = [(row, count if row["pos"] == pos else row["count"]) for row in purchase["positions"]]
        purchase["positions"] = [
            self._position(row["pos"], row["good"], count, purchase["levied"]) for row, count in rows if count
        ]
        self._add_up(purchase)

    def drop(self, ref):
        """Cancel a purchase; what was not sent goes back to the stock.

        :raise Refused: a parcel has left
        """
        purchase = self.purchases[ref]
        if purchase["parcels"]:
            raise Refused(409, f"{ref} was sent in part")
        if purchase["state"] != "dropped":
            for row in purchase["positions"]:
                self.goods[row["good"]]["count"] += row["count"]
            purchase |= {"state": "dropped", "revised": self._now()}

    def _position(self, pos, key, count, percent):
        good = self.goods[key]
        return {
            "pos": pos, "good": key, "code": good["code"], "title": good["title"], "count": count,
            "unit_minor": good["minor"], "row_minor": good["minor"] * count,
            "levies": [{"percent": percent, "minor": _tax(good["minor"] * count, percent)}],
        }  # fmt: skip

    def _add_up(self, purchase):
        parts = [(row["row_minor"], row["levies"][0]["percent"]) for row in purchase["positions"]]
        parts.append((purchase["carriage"]["minor"], purchase["carriage"]["percent"]))
        parts.append((-purchase["rebate"]["minor"], purchase["rebate"]["percent"]))
        purchase["to_pay_minor"] = sum(minor for minor, _percent in parts)
        purchase["levy_minor"] = sum(_tax(minor, percent) for minor, percent in parts)
        purchase["revised"] = self._now()

    def _now(self):
        """Return another second each time: what changes later has a later date."""
        self._moments += 1
        return (self._begin + timedelta(seconds=self._moments)).isoformat().replace("+00:00", "Z")

    # What it answers

    def answer(self, request):
        """Answer a request of HTTP."""
        if request.headers["X-Corner-Key"] != KEY:
            return Answer({"problem": "Unknown key"}, 401)
        for method, pattern, function in _ROUTES:
            if request.method == method and (found := re.fullmatch(pattern, request.path)):
                with self._lock:
                    return self._answered(function, request, found.groups())
        return Answer({"problem": f"Nothing is at {request.path}"}, 404)

    def _answered(self, function, request, keys):
        data = json.loads(request.body) if request.body else {}
        try:
            content = function(
                self, *keys, **({"params": request.params} if request.method == "GET" else {"data": data})
            )
        except Refused as refused:
            return Answer({"problem": str(refused)}, refused.status)
        except KeyError as error:
            return Answer({"problem": f"There is no {error.args[0]}"}, 404)
        lost = self.loses_the_answer and request.method != "GET"
        return Answer(content, None if lost else 200)

    def list_goods(self, params):
        return self._page(self.goods, params)

    def list_buyers(self, params):
        return self._page(self.buyers, params)

    def list_purchases(self, params):
        return self._page(self.purchases, params)

    def _page(self, table, params):
        rows = sorted(table.items(), key=lambda item: (item[1]["revised"], item[0]))
        rows = [(key, row) for key, row in rows if row["revised"] >= params.get("revised_since", "")]
        if number := params.get("number"):
            rows = [(key, row) for key, row in rows if number in (key, row.get("code"), row.get("mail"))]
        begin = int(params.get("from") or 0)
        end = begin + min(int(params.get("most") or _PAGE), _PAGE)
        return {"entries": [row for _key, row in rows[begin:end]], "next": str(end) if end < len(rows) else None}

    def read_good(self, key, params):
        return self.goods[key]

    def read_buyer(self, key, params):
        return self.buyers[key]

    def read_purchase(self, ref, params):
        return self.purchases[ref]

    def list_parcels(self, ref, params):
        parcels = self.purchases[ref]["parcels"]
        return {
            "entries": [parcel for parcel in parcels if parcel["our_ref"] == params.get("our_ref", parcel["our_ref"])]
        }

    def send_parcel(self, ref, data):
        """Send a parcel with some of what is left; no more than that."""
        purchase = self.purchases[ref]
        if purchase["state"] == "dropped":
            raise Refused(409, f"{ref} was dropped")
        left = {row["pos"]: row["count"] for row in purchase["positions"]}
        for row in (row for parcel in purchase["parcels"] for row in parcel["rows"]):
            left[row["pos"]] -= row["count"]
        for row in data["rows"]:
            if not 0 < row["count"] <= left.get(row["pos"], 0):
                raise Refused(422, f"Of row {row['pos']} of {ref}, {left.get(row['pos'], 0)} are left")
        number = sum(len(other["parcels"]) for other in self.purchases.values()) + 1
        parcel = {
            "key": f"c-{number}",
            "rows": data["rows"],
            "our_ref": data.get("our_ref"),
            "track": data.get("track"),
        }
        purchase["parcels"].append(parcel)
        purchase["revised"] = self._now()
        return parcel

    def track_parcel(self, ref, key, data):
        parcel = next(parcel for parcel in self.purchases[ref]["parcels"] if parcel["key"] == key)
        parcel["track"] = {"carrier": data["carrier"], "number": data["number"]}
        return parcel

    def drop_purchase(self, ref, data):
        self.drop(ref)
        return self.purchases[ref]

    def set_counts(self, data):
        for row in data["rows"]:
            if row["count"] != int(row["count"]) or row["count"] < 0:
                raise Refused(422, f"{row['count']} is no count of {row['good']}")
        for row in data["rows"]:
            self.goods[row["good"]] |= {"count": int(row["count"]), "revised": self._now()}
        return {"set": len(data["rows"])}


def _tax(minor, percent):
    """Return the tax that is in an amount with tax, in minor units."""
    return int((minor - minor * 100 / (100 + Decimal(percent))).quantize(Decimal(1), ROUND_HALF_UP))


_ROUTES = [
    ("GET", "/goods", CornerShop.list_goods),
    ("GET", "/goods/([^/]+)", CornerShop.read_good),
    ("PATCH", "/holdings", CornerShop.set_counts),
    ("GET", "/buyers", CornerShop.list_buyers),
    ("GET", "/buyers/([^/]+)", CornerShop.read_buyer),
    ("GET", "/purchases", CornerShop.list_purchases),
    ("GET", "/purchases/([^/]+)", CornerShop.read_purchase),
    ("POST", "/purchases/([^/]+)/drop", CornerShop.drop_purchase),
    ("GET", "/purchases/([^/]+)/parcels", CornerShop.list_parcels),
    ("POST", "/purchases/([^/]+)/parcels", CornerShop.send_parcel),
    ("PUT", "/purchases/([^/]+)/parcels/([^/]+)/track", CornerShop.track_parcel),
]
