import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_flows", {
    steps: () => [
        {
            content: "Open a flow",
            trigger: ".o_data_row:has(.o_data_cell[name='name']:contains('Part 0')) .o_data_cell[name='name']",
            run: "click",
        },
        {
            content: "It has never run",
            trigger: ".o_form_view .o_field_widget[name='state']:contains('Never Run')",
        },
        {
            content: "Run it",
            trigger: "button[name='action_run']",
            run: "click",
        },
        {
            content: "It is said what was begun, or that no worker is there",
            trigger: ".o_notification",
        },
        {
            content: "It is running",
            trigger: ".o_form_view .o_field_widget[name='state']:contains('Running')",
        },
        {
            content: "Let it run every hour",
            trigger: ".o_field_widget[name='expression'] input",
            run: "edit 0 * * * *",
        },
        {
            content: "Save it",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Its schedule is told in words",
            trigger: ".o_field_widget[name='times']:contains('hour')",
        },
        {
            content: "Switch it off",
            trigger: "button[name='action_switch_off']",
            run: "click",
        },
        {
            content: "Yes",
            trigger: ".modal .btn-primary",
            run: "click",
        },
        {
            content: "It says that it is off",
            trigger: ".alert:contains('It is off')",
        },
        {
            content: "Switch it on again",
            trigger: "button[name='action_switch_on']",
            run: "click",
        },
        {
            content: "It is on",
            trigger: ".o_form_view button[name='action_switch_off']",
        },
    ],
});
