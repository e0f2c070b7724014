from . import webhook
from . import authorization
