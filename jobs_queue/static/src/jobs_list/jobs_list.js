import { useBus, useService } from "@web/core/utils/hooks";
import { registry } from "@web/core/registry";
import { Layout } from "@web/search/layout";
import { SearchModel } from "@web/search/search_model";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { onMounted, useState } from "@odoo/owl";

/**
 * The frame of a list with what its model has to say above it, such as that nobody would run a job now; it is asked with each search.
 */
class JobsLayout extends Layout {
    static template = "jobs_queue.JobsLayout";

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.warning = useState({ text: "" });
        const look = async () => {
            this.warning.text = await this.orm.silent.call(this.env.searchModel.resModel, "list_warning", []);
        };
        onMounted(look);
        useBus(this.env.searchModel, "update", look);
    }
}

/**
 * Counts the side panel anew when the screen is loaded anew, after a button or on the way back from a form: Odoo would show the numbers
 * from before.
 */
class JobsSearchModel extends SearchModel {
    async load(config) {
        await super.load(config);
        if (config.state) {
            await this._reloadSections();
        }
    }
}

class JobsListController extends ListController {
    static components = { ...ListController.components, Layout: JobsLayout };
}

class JobsKanbanController extends KanbanController {
    static components = { ...KanbanController.components, Layout: JobsLayout };
}

registry.category("views").add("jobs_queue_list", {
    ...listView,
    Controller: JobsListController,
    SearchModel: JobsSearchModel,
});
registry.category("views").add("jobs_queue_kanban", {
    ...kanbanView,
    Controller: JobsKanbanController,
    SearchModel: JobsSearchModel,
});
