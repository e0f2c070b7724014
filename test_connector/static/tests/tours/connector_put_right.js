import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_put_right", {
    steps: () => [
        {
            content: "It says which job has put it right, and what it said before",
            trigger: ".o_form_view .alert-success:contains('Put right by job'):contains('Its tax is unknown')",
        },
        {
            content: "The other job is one click away",
            trigger: ".o_form_view .o_field_widget[name='done_by_id'] a, .o_form_view .o_field_widget[name='done_by_id'] .o_form_uri",
        },
    ],
});

registry.category("web_tour.tours").add("connector_not_yet", {
    steps: () => [
        {
            content: "See how many records wait for something outside",
            trigger: ".o_form_view button[name='action_open_not_yet'] .o_stat_value:contains('1')",
            run: "click",
        },
        {
            content: "They are grouped by what they wait for",
            trigger: ".o_group_header:contains('the order is not paid')",
            run: "click",
        },
        {
            trigger: ".o_data_row .o_data_cell[name='name']",
            run: "click",
        },
        {
            content: "No error, no try: what it waits for, and until when",
            trigger: ".o_form_view .alert-info:contains('the order is not paid'):contains('No try is counted')",
        },
    ],
});
