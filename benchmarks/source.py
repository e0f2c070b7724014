"""External system of the benchmarks: it makes each record from the record's number.

It lives in the memory of the process that asks for a record.
"""


def partner(number, generation, updated_at):
    """Return a partner as the system lists it.

    :param generation: two fields change with each generation
    :param updated_at: the time of the last change, as text
    """
    return {
        "id": number,
        "updated_at": updated_at,
        "name": f"Partner {number}",
        "mail": f"partner.{number}@example.com",
        "phone": f"+32 2 {number:08}{generation}",
        "street": f"Street {number % 97}, {generation}",
        "street_2": f"Floor {number % 7}",
        "town": f"Town {number % 31}",
        "postcode": f"{number % 10000:04}",
        "job": "Buyer",
        "homepage": f"https://partner-{number}.example.com",
        "note": f"Partner number {number}",
    }


def product(number, generation, updated_at):
    """Return a product; see :func:`partner`."""
    return {
        "id": number,
        "updated_at": updated_at,
        "name": f"Product {number}",
        "code": f"BENCH-{number:08}",
        "price": number % 1000 + generation / 4,
        "weight": number % 50 / 4,
        "volume": number % 8 / 8,
        "text": f"Product number {number}, {generation}",
    }


RECORDS = {"partner": partner, "product": product}

#: Mapped fields: field of the system, field of Odoo
DIRECT = {
    "partner": [
        ("name", "name"),
        ("mail", "email"),
        ("phone", "phone"),
        ("street", "street"),
        ("street_2", "street2"),
        ("town", "city"),
        ("postcode", "zip"),
        ("job", "function"),
        ("homepage", "website"),
        ("note", "comment"),
    ],
    "product": [
        ("name", "name"),
        ("code", "default_code"),
        ("price", "list_price"),
        ("weight", "weight"),
        ("volume", "volume"),
        ("text", "description_sale"),
    ],
}

MODELS = {"partner": "benchmark.res.partner", "product": "benchmark.product.product"}
KINDS = {model_name: kind for kind, model_name in MODELS.items()}

#: Fields of the mapper with 20 fields that are mapped as they are, and 5 methods
WIDE = [(f"source_{number}", f"field_{number}") for number in range(20)]
WIDE_RECORD = {f"source_{number}": f"value {number}" for number in range(25)}
#: Number of classes that are registered beside those in use
FURTHER_UNITS = 200
