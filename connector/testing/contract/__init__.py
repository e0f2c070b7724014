"""``ConnectorContract``: the tests that every connector inherits."""

from .bulk import BulkContract
from .companies import CompanyContract
from .exchanges import ExchangeContract
from .exports import ExportContract
from .imports import ImportContract
from .lines import LineContract
from .listings import ListingContract
from .refusals import RefusalContract
from .rehearsals import RehearsalContract
from .secrets import SecretContract


class ConnectorContract(
    ImportContract,
    LineContract,
    ListingContract,
    RefusalContract,
    ExportContract,
    BulkContract,
    RehearsalContract,
    SecretContract,
    CompanyContract,
    ExchangeContract,
):
    """Acceptance tests of a connector, for one of its models.

    ::

        @tagged("post_install", "-at_install")
        class TestContract(ConnectorContract):
            backend_model = "shop.backend"
            backend_values = {"token": "the token of the tests"}
            model = "shop.res.partner"
            record = {"id": 1, "kind": "person", "name": "Ada", "mail": "ada@example.com"}
            recording = "customers"

    The system is played by a server on this machine. Of a declared adapter it answers as the
    declaration says; of another one, the test says what it answers, see :meth:`answer`. A test of
    what the system cannot do is skipped, and says why.

    :cvar backend_model: name of the model of the backend
    :cvar backend_values: dict of the values of the backend. A name is given by default, and a
        location; of the location only the path is kept, as the system is on this machine
    :cvar model: name of the binding model
    :cvar record: a record as the system sends it, with its id
    :cvar recording: name of the recording of an exchange with the real system, the file
        ``recorded/<name>.json`` beside the test, see :mod:`~..exchanges`
    :cvar change: values of the system that change the record. By default the first text that is
        imported as it is gets another value; so do the following
    :cvar change_here: values of Odoo that change what is exported
    :cvar bad: values of the system that make the record one that cannot be imported
    :cvar odd_ids: ids that the system may have and that are easily changed by mistake, such as
        ``"007"``; ``()``: it has none. By default some of the kind of the record's id
    :cvar refers_to: dict of what the record refers to and has to be imported with it: name of the
        binding model to id
    :cvar change_of_line: values of the system that change a line of the record
    """
