import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_checkpoints", {
    url: "/odoo/connector-checkpoints",
    steps: () => [
        {
            content: "Open a checkpoint",
            trigger: ".o_data_row:contains('Check the address') .o_data_cell[name='name']:contains('Ada')",
            run: "click",
        },
        {
            content: "Read what there is to review",
            trigger: ".o_form_view .alert:contains('Check the address')",
        },
        {
            content: "Open the record",
            trigger: "button[name='action_related']",
            run: "click",
        },
        {
            content: "Look at it and go back",
            trigger: ".o_form_view .o_field_widget[name='email']",
        },
        {
            trigger: ".breadcrumb-item.o_back_button",
            run: "click",
        },
        {
            content: "Mark the checkpoint as reviewed",
            trigger: "button[name='action_reviewed']",
            run: "click",
        },
        {
            content: "It is reviewed",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Reviewed')",
        },
    ],
});
