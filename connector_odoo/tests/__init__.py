from . import test_adapter, test_backend, test_export, test_import, test_policies
