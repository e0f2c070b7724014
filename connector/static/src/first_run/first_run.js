import { Component, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const ICONS = {
    done: "fa-check-circle text-success",
    to_do: "fa-circle-o text-muted",
    trouble: "fa-exclamation-triangle text-danger",
    unknown: "fa-question-circle text-warning",
};

/** Milliseconds after which the list looks again while a flow runs. */
const PAUSE = 5000;

/** The check list that leads through the first run of a backend. */
export class ConnectorFirstRun extends Component {
    static template = "connector.FirstRun";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({ shown: {} });
        // Whenever the record was loaded or saved, its data are another object
        useRecordObserver((record) => {
            this.load(record, record.data);
        });
        onWillUnmount(() => {
            this.isGone = true;
            clearTimeout(this.timer);
        });
    }

    /** The form is not kept waiting: its steps come a little later. */
    async load(record) {
        clearTimeout(this.timer);
        if (!record.resId) {
            return;
        }
        const asked = this.orm.silent.call(record.resModel, "read_first_run", [[record.resId]]);
        this.state.shown = await this.keepLast.add(asked);
        if (this.state.shown.runs && !this.isGone) {
            this.timer = setTimeout(() => this.load(record), PAUSE);
        }
    }

    icon(step) {
        return ICONS[step.state];
    }

    /** As a button of the form does: what a user is editing is saved first, and the form is loaded again. */
    press(step) {
        if (step.field) {
            return this.lead(step.field);
        }
        return this.call(step.method, step.model, step.id);
    }

    call(name, resModel, resId) {
        return this.env.onClickViewButton({
            clickParams: { type: "object", name },
            getResParams: () => ({ resModel, resId, resIds: [resId], context: {} }),
        });
    }

    hide() {
        return this.call("action_hide_first_run", this.props.record.resModel, this.props.record.resId);
    }

    lead(field) {
        const input = document.querySelector(`.o_form_view .o_field_widget[name='${field}'] input`);
        input?.scrollIntoView({ block: "center" });
        input?.focus();
    }

    open(step) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: step.model,
            res_id: step.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("connector_first_run", { component: ConnectorFirstRun });
