import { Component, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** The colours of the list of bindings. */
const COLOURS = {
    in_sync: "success",
    to_export: "info",
    to_import: "info",
    different: "warning",
    conflict: "warning",
    missing: "warning",
    error: "danger",
};

/** The bindings of the record of a form: their states, and buttons that synchronize it now. */
export class ConnectorBindings extends Component {
    static template = "connector.Bindings";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.keepLast = new KeepLast();
        this.state = useState({ shown: {}, isBusy: false });
        // The form is not kept waiting. Whenever the record was loaded or saved, its data are another object
        useRecordObserver((record) => {
            this.load(record, record.data);
        });
    }

    async load(record) {
        const { resModel, resId } = record;
        const asked = resId
            ? this.orm.silent.call("connector.bound.record", "bindings_of", [resModel, resId])
            : Promise.resolve({});
        this.state.shown = await this.keepLast.add(asked);
    }

    /** Whether a user of connectors looks at a record that no backend knows. */
    get isUnbound() {
        const { bindings, badges } = this.state.shown;
        return bindings && !bindings.length && !badges.length;
    }

    colour(binding) {
        return COLOURS[binding.state] ?? "300";
    }

    /** What is known of a binding besides its state, in one line. */
    facts(binding) {
        const date = binding.date && formatDateTime(deserializeDateTime(binding.date));
        return [
            binding.kind,
            binding.name,
            binding.external_id && _t("ID %s", binding.external_id),
            binding.merged_ids && _t("merged: %s", binding.merged_ids),
            date && _t("last synchronized %s", date),
            binding.is_archived && _t("the backend is archived"),
        ]
            .filter(Boolean)
            .join(" · ");
    }

    /** What a user is editing is saved first, as with Odoo's own buttons. */
    async press(binding, method) {
        this.state.isBusy = true;
        try {
            if (await this.props.record.save()) {
                const answer = await this.orm.call(binding.model, method, [[binding.id]]);
                // it would close the dialog in which the form may be
                delete answer.params.next;
                await this.action.doAction(answer);
                await this.load(this.props.record);
            }
        } finally {
            this.state.isBusy = false;
        }
    }

    keepOurs(binding) {
        const body = _t("The record in the other system is overwritten by the one that is here.");
        this.pressConfirmed(binding, "action_keep_ours", body);
    }

    takeTheirs(binding) {
        const body = _t("The record that is here is overwritten by the one in the other system.");
        this.pressConfirmed(binding, "action_take_theirs", body);
    }

    pressConfirmed(binding, method, body) {
        const confirm = () => this.press(binding, method);
        this.dialog.add(ConfirmationDialog, { body, confirm, cancel: () => {} });
    }

    open(binding) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: binding.model,
            res_id: binding.id,
            views: [[false, "form"]],
        });
    }

    openList(list) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: list.title,
            res_model: list.model,
            domain: list.domain,
            context: { active_test: false },
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }
}

registry.category("view_widgets").add("connector_bindings", { component: ConnectorBindings });
