import { registry } from "@web/core/registry";

const step = (code, state) => `.o_first_run_step[data-code='${code}']${state ? `[data-state='${state}']` : ""}`;

registry.category("web_tour.tours").add("connector_first_run", {
    steps: () => [
        {
            content: "The form says what to do",
            trigger: ".o_form_view .alert:contains('then save')",
        },
        {
            content: "Name it",
            trigger: ".o_field_widget[name='name'] input",
            run: "edit New Shop",
        },
        {
            content: "It is a shop with flows",
            trigger: ".o_field_widget[name='version'] input",
            run: "click",
        },
        {
            content: "Choose the version",
            trigger: ".o_select_menu_item:contains('Ten Flows')",
            run: "click",
        },
        {
            content: "Save it",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "The check list does not say that all is well",
            trigger: `${step("connection", "to_do")}:contains('Not tested yet')`,
        },
        {
            content: "It leads on: test the connection",
            trigger: `${step("connection")} .btn-primary`,
            run: "click",
        },
        {
            content: "Close what was found",
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "The result is noted",
            trigger: `${step("connection")}:not([data-state='to_do'])`,
        },
        {
            content: "Run the first flow",
            trigger: `${step("flow_part_0", "to_do")} button`,
            run: "click",
        },
        {
            content: "It runs, or waits for a worker",
            trigger: `${step("flow_part_0")}:contains('It runs now')`,
        },
        {
            content: "Hide the list",
            trigger: ".o_first_run_hide",
            run: "click",
        },
        {
            content: "It is gone",
            trigger: ".o_form_view:not(:has(.o_connector_first_run))",
        },
    ],
});
