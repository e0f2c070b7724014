import { registry } from "@web/core/registry";
import { formatInteger } from "@web/views/fields/formatters";
import { IntegerField, integerField } from "@web/views/fields/integer/integer_field";

const BOUND = 10000;

/** A number that is counted up to a bound only: “10,000+” above it. */
class BoundedField extends IntegerField {
    get formattedValue() {
        return this.value > BOUND ? `${formatInteger(BOUND)}+` : super.formattedValue;
    }
}

registry.category("fields").add("jobs_queue_bounded", {
    ...integerField,
    component: BoundedField,
    // without a formatter of its own, a list shows the field by its component
});
