import { registry } from "@web/core/registry";

const SYNCHRONIZED = ".o_connector_binding:contains('Test Shop')";

registry.category("web_tour.tours").add("connector_page", {
    steps: () => [
        {
            content: "Open the page of connectors",
            trigger: ".o_form_view .nav-link:contains('Connectors')",
            run: "click",
        },
        {
            content: "See the state and the id in the shop",
            trigger: `${SYNCHRONIZED}:contains('ID 42') .badge.text-bg-success:contains('In Sync')`,
        },
        {
            content: "Change the record",
            trigger: ".o_field_widget[name='email'] input",
            run: "edit ada@example.com",
        },
        {
            content: "Import it now, which saves it first",
            trigger: `${SYNCHRONIZED} button:contains('Import Now')`,
            run: "click",
        },
        {
            content: "Be told what was started, with a link to the job",
            trigger: ".o_notification a:contains('Job')",
        },
        {
            content: "See that the import is due",
            trigger: `${SYNCHRONIZED} .badge:contains('To Import')`,
        },
        {
            content: "The change is saved",
            trigger: ".o_form_saved, .o_form_button_save:not(:visible)",
        },
        {
            content: "Look at the binding",
            trigger: `${SYNCHRONIZED} a:contains('Test Shop')`,
            run: "click",
        },
        {
            content: "Keep ours in the other shop, where both sides have changed: go back first",
            trigger: ".breadcrumb-item.o_back_button",
            run: "click",
        },
        {
            trigger: ".o_connector_binding:contains('Other Shop'):contains('Changed here and there') button:contains('Keep Ours')",
            run: "click",
        },
        {
            content: "Confirm it",
            trigger: ".modal .btn-primary:contains('Ok')",
            run: "click",
        },
        {
            content: "The conflict is settled",
            trigger: ".o_connector_binding:contains('Other Shop') .badge:contains('To Export')",
        },
    ],
});

registry.category("web_tour.tours").add("connector_badges", {
    steps: () => [
        {
            content: "An employee reads whether the record is in step",
            trigger: ".o_form_view .o_connector_badges .badge:contains('In step with Test Shop')",
        },
        {
            content: "There is no page of connectors",
            trigger: ".o_form_view .o_notebook:not(:has(.nav-link:contains('Connectors')))",
        },
    ],
});
