"""The job that goes on with the steps of shop orders, and how it is delayed.

All orders that a transaction has imported go into few jobs, as Odoo confirms many orders at once
faster than one by one. An order that is refused stops no other.

**Killed in between.** The steps of a job and its *done* are one transaction, and no step has an
effect outside of the database. So a job that is killed has done nothing, and another worker begins
it anew.

**Run twice**, as after a second import. Each step looks at what is there: only a quotation is
confirmed, only what Odoo has to invoice is invoiced, only a draft is posted, only what an invoice
lacks is paid. The jobs of a company have a common concurrency key, so each sees what the one before
has committed. (Without it they would also wait for each other's journals and stock, and begin
again.)

**At the same time as a person** who confirms, invoices or pays. Both change the same rows: the
state of the order, the invoiced quantity of its lines, the residual or the payment state of the
invoice. PostgreSQL refuses the second one, as both read in REPEATABLE READ. A job then begins
again, and sees what the person has done.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.connector import ConnectorSession, job

_KEY = "connector_ecommerce.workflow"
#: Orders of a job. What stands in the way of one makes all of them begin again.
_MOST = 50


def note_orders(bindings: BaseModel) -> None:
    """Note orders whose steps go on in jobs after the transaction.

    :param bindings: recordset of a model that inherits ``connector.ecommerce.order``
    """
    precommit = bindings.env.cr.precommit
    if _KEY not in precommit.data:
        precommit.data[_KEY] = defaultdict(dict)
        precommit.add(partial(_delay_noted, bindings.env["sale.order"]))
    precommit.data[_KEY][bindings._name].update(dict.fromkeys(bindings.ids))


def _delay_noted(model: BaseModel) -> None:
    session = ConnectorSession.from_env(model.env)
    for model_name, ids in model.env.cr.precommit.data.pop(_KEY, {}).items():
        noted = model.env[model_name].sudo().browse(ids)
        for company, bindings in noted.filtered(_goes_on).grouped(_company).items():
            for part in split_every(_MOST, bindings.ids, list):
                run_order_workflow.delay(
                    session,
                    model_name,
                    part,
                    description=_description(bindings.browse(part)),
                    concurrency_key=f"{_KEY} of company {company.id}",
                )


def _goes_on(binding: BaseModel) -> bool:
    return binding._has_steps() and not binding._is_old()


def _company(binding: BaseModel) -> BaseModel:
    return binding.odoo_id.company_id


def _description(bindings: BaseModel) -> str:
    if len(bindings) == 1:
        return bindings.env._("Shop workflow of order %s", bindings.external_number or bindings.external_id)
    return bindings.env._("Shop workflow of %s orders", len(bindings))


@job(default_channel="root.shop_workflow")
def run_order_workflow(session: ConnectorSession, model_name: str, binding_ids: list[int]) -> str:
    """Go on with the steps of shop orders: confirm, invoice, post, pay

    :param model_name: name of a model that inherits ``connector.ecommerce.order``
    :param binding_ids: ids of orders of one company
    """
    # with all rights: who confirms a delivery need not be allowed to post an invoice
    bindings = session.env[model_name].sudo().with_context(active_test=False).browse(binding_ids).exists()
    return bindings.with_company(bindings[:1].odoo_id.company_id)._run_workflow(session)
