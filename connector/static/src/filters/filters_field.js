import { Component } from "@odoo/owl";
import { MultiRecordSelector } from "@web/core/record_selectors/multi_record_selector";
import { RecordSelector } from "@web/core/record_selectors/record_selector";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** What an import flow lets people choose: an input for each filter that the connector declares. */
export class FiltersField extends Component {
    static template = "connector.FiltersField";
    static components = { MultiRecordSelector, RecordSelector };
    static props = { ...standardFieldProps };

    get declared() {
        return this.props.record.data.declared_filters || [];
    }

    /** What is chosen, with what was entered a moment ago: the record takes it a bit later. */
    get chosen() {
        return this.entered || this.props.record.data[this.props.name] || {};
    }

    value(filter) {
        return this.chosen[filter.name];
    }

    /** The values that are chosen of a filter, also of one that takes only one. */
    values(filter) {
        const value = this.value(filter);
        return Array.isArray(value) ? value : value === undefined ? [] : [value];
    }

    isChosen(filter, option) {
        return this.values(filter).includes(option[0]);
    }

    /** The bound records of the backend, among which people choose. */
    domain() {
        return [
            ["backend_id", "=", this.props.record.data.backend_id.resId ?? this.props.record.data.backend_id],
            ["external_id", "!=", false],
        ];
    }

    id(filter) {
        return `connector_filter_${filter.name}`;
    }

    async choose(filter, value) {
        const chosen = { ...this.chosen };
        const isEmpty = [undefined, null, false, ""].includes(value) || (Array.isArray(value) && !value.length);
        if (isEmpty) {
            delete chosen[filter.name];
        } else {
            chosen[filter.name] = value;
        }
        this.entered = chosen;
        await this.props.record.update({ [this.props.name]: Object.keys(chosen).length ? chosen : false });
        if (this.entered === chosen) {
            this.entered = undefined;
        }
    }

    chooseOption(filter, event) {
        const option = filter.options[event.target.value];
        return this.choose(filter, option && option[0]);
    }

    toggleOption(filter, option) {
        const values = this.values(filter);
        const others = values.filter((value) => value !== option[0]);
        return this.choose(filter, others.length < values.length ? others : [...values, option[0]]);
    }
}

registry.category("fields").add("connector_filters", {
    component: FiltersField,
    supportedTypes: ["json"],
    fieldDependencies: [
        { name: "declared_filters", type: "json", readonly: true },
        { name: "chosen_in_words", type: "char", readonly: true },
    ],
});
