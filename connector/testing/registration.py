"""Registrations on a backend that last as long as a test."""

from contextlib import contextmanager

from odoo.addons.jobs_queue.registration import registration_changed


@contextmanager
def extending(backend, extension):
    """Extend a unit class during a block, to replace its hooks and options in a test.

    ::

        class Refusing(PartnerImporter):
            def _validate_data(self, values):
                raise InvalidDataError("Not a customer.")

        with extending(shop, Refusing):
            import_record.delay(session, "shop.res.partner", self.backend.id, 42)
            self.assertFailed(self.run_jobs(), "Not a customer")

    ``self.enterContext(extending(shop, Refusing))`` extends it until the end of the test. The
    extension goes before those of the addons, and before those of the blocks around it. Units that
    were looked up before the block are not extended.

    :param backend: :class:`~odoo.addons.connector.backend.Backend` on which it is registered
    :param extension: subclass of the class that it extends, which is its first base. The other
        subclasses of that class are extended, too
    :raise TypeError: its first base is not a unit class
    :raise ValueError: the extension is not possible, see
        :meth:`~odoo.addons.connector.backend.Backend.register_class`
    """
    with registering(backend):
        # by no addon: so it goes before the extensions of all addons
        backend._register(extension, replacing=None, extends=extension.__bases__[0], addon=None)
        yield


@contextmanager
def registering(backend):
    """Undo what is registered on a backend during a block.

    :param backend: :class:`~odoo.addons.connector.backend.Backend`
    """
    registrations, extensions = backend._registrations[:], backend._extensions[:]
    try:
        yield
    finally:
        backend._registrations[:], backend._extensions[:] = registrations, extensions
        registration_changed()
