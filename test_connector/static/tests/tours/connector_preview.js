import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_preview", {
    steps: () => [
        {
            content: "Open the flow",
            trigger: ".o_data_row .o_data_cell[name='name']:contains('Partners')",
            run: "click",
        },
        {
            content: "Look at what it would do",
            trigger: "button[name='action_preview']",
            run: "click",
        },
        {
            content: "It says how many were looked at",
            trigger: ".modal .alert:contains('these 2 records')",
        },
        {
            content: "One would be created",
            trigger: ".modal .o_data_row:contains('New'):contains('Would be created here')",
        },
        {
            content: "One would be changed: open it",
            trigger: ".modal .o_data_row:contains('Name (1)') button[name='action_open_lines']",
            run: "click",
        },
        {
            content: "It is in the list",
            trigger: ".o_list_view .o_data_row .o_data_cell[name='name']:contains('Bob')",
            run: "click",
        },
        {
            content: "The name would be another one",
            trigger: ".o_form_view .o_data_row:contains('Name'):contains('Bob'):contains('Robert')",
        },
    ],
});
