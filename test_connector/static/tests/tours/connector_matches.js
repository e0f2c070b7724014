import { registry } from "@web/core/registry";

const row = (name) => `.o_data_row:has(.o_data_cell[name='name']:contains('${name}'))`;

registry.category("web_tour.tours").add("connector_matches", {
    steps: () => [
        {
            content: "Take ours where exactly one was found",
            trigger: "button[name='action_accept_sure']",
            run: "click",
        },
        {
            content: "It is decided, and not bound yet",
            trigger: `${row("Their Ada")} .o_data_cell[name='decision']:contains('Bind to Ours')`,
        },
        {
            content: "Pick ours in another row",
            trigger: `${row("Their Bob")} .o_data_cell[name='res_id']`,
            run: "click",
        },
        {
            content: "Look for it by its name",
            trigger: ".o_selected_row .o_field_widget[name='res_id'] input",
            run: "edit Our Bob",
        },
        {
            content: "Take it",
            trigger: ".o-autocomplete--dropdown-item:contains('Our Bob')",
            run: "click",
        },
        {
            content: "The decision follows",
            trigger: ".o_selected_row .o_field_widget[name='res_id'] input:value(Our Bob)",
        },
        {
            content: "Save it",
            trigger: ".o_list_button_save",
            run: "click",
        },
        {
            content: "Select the third one",
            trigger: `${row("Their Test")} .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Never import it",
            trigger: "button[name='action_ignore']",
            run: "click",
        },
        {
            content: "It is ignored",
            trigger: `${row("Their Test")} .o_data_cell[name='decision']:contains('Ignore')`,
        },
        {
            content: "Nothing is selected any more: bind all",
            trigger: "button[name='action_bind']",
            run: "click",
        },
        {
            content: "Yes",
            trigger: ".modal:contains('writes over ours') .btn-primary:contains('Bind')",
            run: "click",
        },
        {
            content: "It is said which job does it, or that no worker is there",
            trigger: ".o_notification a[href*='queue-jobs']",
        },
    ],
});

registry.category("web_tour.tours").add("connector_match_reload", {
    steps: () => [
        {
            content: "Open the flow",
            trigger: ".o_data_row:has(.o_data_cell[name='name']:contains('Part 0')) .o_data_cell[name='name']",
            run: "click",
        },
        {
            content: "List what is there",
            trigger: "button[name='action_match']",
            run: "click",
        },
        {
            content: "Nothing is listed yet: load the page again",
            trigger: ".o_view_nocontent:contains('load the page again')",
            run() {
                window.location.reload();
            },
            expectUnloadPage: true,
        },
        {
            content: "It is listed now",
            trigger: row("Their Ada"),
        },
    ],
});
