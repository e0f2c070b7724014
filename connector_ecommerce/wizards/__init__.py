from . import connector_order_decision
