import { registry } from "@web/core/registry";

const filter = (name) => `.o_connector_filters [data-filter='${name}']`;
const open = (name) => ({
    content: `Open the flow ${name}`,
    trigger: `.o_data_row:has(.o_data_cell[name='name']:contains('${name}')) .o_data_cell[name='name']`,
    run: "click",
});

registry.category("web_tour.tours").add("connector_choose", {
    steps: () => [
        open("Part 0"),
        {
            content: "Choose a status",
            trigger: `${filter("status")} select`,
            run: "selectByLabel Shipped",
        },
        {
            content: "Choose a day",
            trigger: `${filter("since")} input`,
            run({ anchor }) {
                anchor.value = "2026-01-31";
                anchor.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        {
            content: "Tick the box",
            trigger: `${filter("vip")} input`,
            run: "click",
        },
        {
            content: "Look for a tag",
            trigger: `${filter("tag")} input`,
            run: "edit Count",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains('Countess')",
            run: "click",
        },
        {
            content: "Save it",
            trigger: `.o_form_view:has(.o_tag:contains('Countess')) .o_form_button_save`,
            run: "click",
        },
        {
            content: "It is said that the next run looks at all records",
            trigger: ".alert:contains('the next run looks at all records')",
        },
        {
            content: "Go back to the flows",
            trigger: ".o_back_button a, .breadcrumb-item a",
            run: "click",
        },
        open("Partners Out"),
        {
            content: "Nothing is chosen yet",
            trigger: ".o_form_view:contains('No rule yet')",
        },
        {
            content: "Add a rule",
            trigger: ".o_field_widget[name='domain'] a:contains('New Rule')",
            run: "click",
        },
        {
            content: "It is there",
            trigger: ".o_field_widget[name='domain'] .o_tree_editor_condition",
        },
        {
            content: "Save it",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It is said what that means",
            trigger: ".o_form_view:contains('Only these records')",
        },
        {
            content: "It is saved",
            trigger: ".o_form_status_indicator_buttons.invisible:not(:visible)",
        },
    ],
});

registry.category("web_tour.tours").add("connector_choice_is_read", {
    steps: () => [
        open("Part 0"),
        {
            content: "What was chosen is told in words",
            trigger: ".o_field_widget[name='filters']:contains('Status: Shipped, VIP: yes')",
        },
        {
            content: "There is nothing to enter",
            trigger: ".o_form_view:not(:has(.o_connector_filters))",
        },
    ],
});
