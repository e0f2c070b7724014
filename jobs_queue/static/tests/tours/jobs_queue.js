import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("jobs_queue", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open Jobs",
            trigger: ".o_app[data-menu-xmlid='jobs_queue.menu_root']",
            run: "click",
        },
        {
            content: "Look at the failed jobs",
            trigger: ".o_search_panel_category_value:contains('Failed') header",
            run: "click",
        },
        {
            content: "Open the one that failed",
            trigger: ".o_data_row:contains('The shop refuses the key') .o_data_cell[name='name']:contains('Import the Office Chair')",
            run: "click",
        },
        {
            content: "Read why it failed",
            trigger: ".o_form_view .alert-danger:contains('The shop refuses the key')",
        },
        {
            content: "Read what it was to do",
            trigger: ".o_field_widget[name='arguments']:contains(\"external_id = '42'\")",
        },
        {
            content: "See its attempt",
            trigger: ".o_field_widget[name='attempt_ids'] .o_data_row:contains('Failed')",
        },
        {
            content: "Requeue it",
            trigger: "button[name='button_requeue']",
            run: "click",
        },
        {
            content: "Be told that it is done",
            trigger: ".o_notification:contains('Jobs requeued: 1 of 1')",
        },
        {
            content: "See that the job waits for a worker",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Pending')",
        },
        {
            content: "The message of the failure is gone",
            trigger: ".o_form_view:not(:has(.alert-danger))",
        },
        {
            content: "Open the channel of the job",
            trigger: ".o_field_widget[name='channel_id'] a",
            run: "click",
        },
        {
            content: "See its pending jobs",
            trigger: ".oe_stat_button:has([name='pending_count'])",
            run: "click",
        },
        {
            content: "The job is among them",
            trigger: ".o_list_view .o_data_cell[name='name']:contains('Import the Office Chair')",
        },
    ],
});
