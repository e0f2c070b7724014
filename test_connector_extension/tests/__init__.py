from . import test_at_install
