import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("connector_blocked_order", {
    steps: () => [
        {
            content: "Read why the order is blocked",
            trigger: ".o_form_view .alert:contains('is blocked'):contains('12.00')",
        },
        {
            content: "It stays so",
            trigger: "button[name='action_check_shop_again']",
            run: "click",
        },
        {
            content: "Confirm it anyway",
            trigger: "button[name='action_confirm_anyway']:contains('Confirm Anyway')",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal .o_field_widget[name='why'] textarea",
            run: "edit The customer agrees",
        },
        {
            trigger: ".modal button[name='action_decide']:contains('Confirm Anyway')",
            run: "click",
        },
        {
            content: "It is confirmed",
            trigger: "body:not(:has(.modal)) .o_statusbar_status .o_arrow_button_current:contains('Sales Order')",
        },
        {
            content: "See who has waived it",
            trigger: "a.nav-link[name='shop']",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name='shop_reason_ids'] .o_data_row:contains('The customer agrees')",
        },
    ],
});

registry.category("web_tour.tours").add("connector_kept_order", {
    steps: () => [
        {
            content: "Read that the shop has cancelled it, and why it is not cancelled here",
            trigger: ".o_form_view .alert:contains('has cancelled'):contains('Transfers are done')",
        },
        {
            content: "Keep it",
            trigger: "button[name='action_keep_order']",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name='why'] textarea",
            run: "edit It is paid",
        },
        {
            trigger: ".modal button[name='action_decide']:contains('Keep')",
            run: "click",
        },
        {
            content: "Nothing is to be decided any more",
            trigger: "body:not(:has(.modal)) .o_form_view:not(:has(.alert:contains('has cancelled')))",
        },
    ],
});
