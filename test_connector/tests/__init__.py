from . import test_binder
from . import test_checkpoint
from . import test_checkpoint_review
from . import test_environment
from . import test_exporter
from . import test_importer
from . import test_mapper
from . import test_tour
