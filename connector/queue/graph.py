"""Public import path of graphs of jobs, see :mod:`odoo.addons.jobs_queue.graph`."""

from odoo.addons.jobs_queue.graph import ON_FAILURE, Graph, barrier, chain, group, parent_results
