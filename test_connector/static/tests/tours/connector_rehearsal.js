import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_rehearsal", {
    steps: () => [
        {
            content: "Switch the rehearsal on",
            trigger: ".o_field_widget[name='is_rehearsal'] input",
            run: "click",
        },
        {
            content: "Save it",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "The form says so",
            trigger: ".alert:contains('This is a rehearsal')",
        },
        {
            content: "See what would be sent",
            trigger: ".alert button[name='action_open_rehearsed']",
            run: "click",
        },
        {
            content: "Only what was held back is there",
            trigger: ".o_list_view:has(.o_data_row:contains('PUT')):not(:has(.o_data_row:contains('GET')))",
        },
    ],
});
