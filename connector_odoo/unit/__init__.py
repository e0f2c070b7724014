from . import backend_adapter
from . import importer
from . import flow
from . import partner
from . import product_category
from . import product
