from . import adapter
from . import flow
from . import good
from . import buyer
from . import purchase
from . import parcel
from . import stock
