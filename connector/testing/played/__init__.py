"""Systems that are played as the declaration of an adapter says."""

from ...declaration.graphql import GraphQLAdapter
from ...declaration.rest import RestAdapter
from ...declaration.rpc import RpcAdapter
from .graphql import PlayedGraphQL
from .rest import PlayedRest
from .rpc import PlayedRpc

_PLAYED = {RestAdapter: PlayedRest, GraphQLAdapter: PlayedGraphQL, RpcAdapter: PlayedRpc}


def played(adapter, template):
    """Return the :class:`~.system.PlayedSystem` of an adapter, None if it is not declared.

    :param template: a record as the system sends it
    """
    found = (kind for declared, kind in _PLAYED.items() if isinstance(adapter, declared))
    kind = next(found, None)
    return kind and kind(adapter, template)
