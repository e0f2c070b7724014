from . import test_backend
from . import test_event
from . import test_registration
from . import test_screens
from . import test_security
from . import test_session
from . import test_tour
from . import test_vocabulary
