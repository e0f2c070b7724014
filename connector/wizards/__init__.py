from . import base_partner_merge
from . import connector_backend_unit
from . import connector_checkpoint_review
from . import connector_connection_test
from . import connector_flow_fetch
from . import connector_flow_start
from . import connector_mapping_trial
from . import connector_match_file
