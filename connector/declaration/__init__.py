"""Public names with which an author declares an adapter: what its system is like, as values.

::

    from odoo.addons.connector.declaration import CursorPages, RestAdapter, Verb, field, secret


    class ShopAdapter(RestAdapter):
        base = field("location")
        headers = {"X-Api-Key": secret("token")}


    @shop
    class Customers(ShopAdapter):
        _model_name = "shop.res.partner"
        path, records, id_field = "/customers", "data.customers", "uuid"
        paginator = CursorPages(size=100, next="meta.next")
        verbs = {"write": Verb("PATCH")}

Values are immutable and hold no record. Paths into JSON are JMESPath. All other names that an
author needs are in ``odoo.addons.connector``.
"""

from .authentication import (
    ApiKey,
    Authentication,
    Basic,
    Bearer,
    Hmac,
    Jwt,
    Login,
    OAuth1,
    OAuth2,
)
from .calls import Call, MultiCall, Window
from .graphql import GraphQLAdapter
from .paginators import (
    CursorPages,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
    OnePage,
)
from .rest import RestAdapter
from .rpc import RpcAdapter
from ..unit.backend_adapter.filters import Choice, Date, Flag, Text
from ..unit.backend_adapter.since import Since
from .values import Header, Verb, field, secret

__all__ = [
    "ApiKey",
    "Authentication",
    "Basic",
    "Bearer",
    "Call",
    "Choice",
    "CursorPages",
    "Date",
    "Flag",
    "GraphQLAdapter",
    "Header",
    "Hmac",
    "IdWindows",
    "Jwt",
    "KeysetPages",
    "LinkPages",
    "Login",
    "MultiCall",
    "NumberPages",
    "OAuth1",
    "OAuth2",
    "OffsetPages",
    "OnePage",
    "RestAdapter",
    "RpcAdapter",
    "Since",
    "Text",
    "Verb",
    "Window",
    "field",
    "secret",
]
