import { useBus, useService } from "@web/core/utils/hooks";
import { registry } from "@web/core/registry";
import { Layout } from "@web/search/layout";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { onMounted, useState } from "@odoo/owl";

/**
 * The frame of a list that says above it when nobody would run a job now. It is asked with each search.
 */
class JobsLayout extends Layout {
    static template = "connector.JobsLayout";

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.warning = useState({ text: "" });
        const look = async () => {
            this.warning.text = await this.orm.silent.call("queue.worker", "reason_no_job_runs", []);
        };
        onMounted(look);
        useBus(this.env.searchModel, "update", look);
    }
}

class JobsListController extends ListController {
    static components = { ...ListController.components, Layout: JobsLayout };
}

class JobsKanbanController extends KanbanController {
    static components = { ...KanbanController.components, Layout: JobsLayout };
}

registry.category("views").add("connector_jobs_list", { ...listView, Controller: JobsListController });
registry.category("views").add("connector_jobs_kanban", { ...kanbanView, Controller: JobsKanbanController });
