from . import test_adapter, test_backend, test_contract, test_export, test_forms, test_import, test_policies
