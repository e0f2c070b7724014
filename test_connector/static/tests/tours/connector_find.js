import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_find", {
    steps: () => [
        {
            content: "Look for an order",
            trigger: "button[name='action_find']",
            run: "click",
        },
        {
            content: "Type its number",
            trigger: ".modal .o_field_widget[name='number'] input",
            run: "edit 100042",
        },
        {
            content: "Find it",
            trigger: ".modal button[name='action_find']",
            run: "click",
        },
        {
            content: "It is imported, and one model has none",
            trigger: ".modal .o_data_row:contains('Imported'):contains('Created from record 42')",
        },
        {
            content: "Others do not have it",
            trigger: ".modal .o_data_row:contains('Not There')",
        },
        {
            content: "What has arrived is told",
            trigger: ".modal .o_field_widget[name='line_ids'] .o_data_row:contains('In Sync')",
        },
        {
            content: "Look for another one, of which there are two",
            trigger: ".modal .o_field_widget[name='number'] input",
            run: "edit 100043",
        },
        {
            content: "Find them",
            trigger: ".modal button[name='action_find']:contains('Find')",
            run: "click",
        },
        {
            content: "Choose the second one",
            trigger: ".modal .o_data_row:contains('Record 44') button[name='action_fetch']",
            run: "click",
        },
        {
            content: "It is imported",
            trigger: ".modal .o_data_row:contains('Created from record 44')",
        },
        {
            content: "Open it",
            trigger: ".modal .o_data_row:contains('Created from record 44') button[name='action_open']",
            run: "click",
        },
        {
            content: "It is there",
            trigger: ".o_form_view .o_field_widget[name='external_id']:contains('44'), .o_form_view .o_field_widget[name='external_id'] input",
        },
    ],
});

registry.category("web_tour.tours").add("connector_find_user", {
    steps: () => [
        {
            content: "Look for an order",
            trigger: "button[name='action_find']",
            run: "click",
        },
        {
            content: "Only managers fetch",
            trigger: ".modal p:contains('Managers of connectors can also fetch it')",
        },
        {
            content: "Type its number",
            trigger: ".modal .o_field_widget[name='number'] input",
            run: "edit 100042",
        },
        {
            content: "Find it",
            trigger: ".modal button[name='action_find']",
            run: "click",
        },
        {
            content: "What has arrived is told",
            trigger: ".modal .o_field_widget[name='line_ids'] .o_data_row:contains('In Sync')",
        },
        {
            content: "What may not be seen is named",
            trigger: ".modal .o_field_widget[name='searched']:contains('Left out')",
        },
    ],
});
