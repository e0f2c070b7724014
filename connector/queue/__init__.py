from . import model
from . import channel_config
from . import graph_model
from . import grouped_model
from . import failure
from . import schedule
from . import server_action
