"""Report of a run: a table, and a JSON file."""

import json
from itertools import groupby
from operator import itemgetter
from statistics import median

from scripts import databases

from . import processes

SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
)


def surroundings(peers):
    """Return the conditions in which the peers are measured, by name: texts, or dicts of texts."""
    return {
        "machine": processes.described(),
        "busy before": f"{100 * processes.busy_share():.0f} % of the processors, with other programs",
        "PostgreSQL": _settings(),
        "versions": {peer.title: peer.version() for peer in peers},
    }


class Report:
    """The results that were measured so far.

    :param path: path of the files, without suffix
    :param peers: in the order of the columns
    :param options: of the command line
    :param surroundings: see :func:`surroundings`
    """

    def __init__(self, path, peers, options, surroundings):
        self.path = path
        self.peers = peers
        self.options = options
        self.surroundings = surroundings
        self.rows = []

    def add(self, measure, runs):
        """Add the row of a measure, and write the report so far.

        :param runs: dict, name of the peer to the list of what each run gave
        """
        self.rows.append(_row(measure, runs, measure.titled(self.options)))
        content = {"surroundings": self.surroundings, "options": vars(self.options), "rows": self.rows}
        self.path.with_suffix(".json").write_text(json.dumps(content, indent=1))
        self.path.with_suffix(".md").write_text(self.markdown())

    def markdown(self):
        """Return the report as Markdown, with a table for each of our peers.

        It has the medians of the runs, with the least and the greatest value.
        """
        lines = [f"- {name}: {_in_words(value)}" for name, value in self.surroundings.items()]
        lines.append(f"- medians of {self.options.runs} run(s) (least to greatest)")
        lines += [f"- {remark}" for remark in dict.fromkeys(peer.remark for peer in self.peers if peer.remark)]
        for _ours, rows in groupby(self.rows, key=itemgetter("ours")):
            lines += ["", *self._table(list(rows))]
        return "\n".join(lines) + "\n"

    def _table(self, rows):
        """Return the lines of a table, with a column for each peer that a row is about."""
        measured = {name for row in rows for figure in row["figures"] for name in figure["runs"]}
        peers = [peer for peer in self.peers if peer.name in measured]
        lines = [_line("measure", "unit", *(peer.title for peer in peers), "bar", "result")]
        lines.append(_line(*["---"] * (len(peers) + 4)))
        for row in rows:
            title = row["title"]
            for figure in row["figures"]:
                lines.append(
                    _line(title, figure["unit"], *(_cell(figure, peer) for peer in peers), *_judgement(figure))
                )
                title = ""
        return lines

    def bars_held(self):
        """Return the number of bars that hold, and the number of bars that were measured."""
        results = [figure["holds"] for row in self.rows for figure in row["figures"] if "holds" in figure]
        return sum(results), len(results)


def _row(measure, runs, title):
    figures = []
    for name, figure in measure.figures.items():
        values = {peer: [run[name] for run in list_ if name in run] for peer, list_ in runs.items()}
        values = {peer: list_ for peer, list_ in values.items() if list_}
        medians = {peer: median(list_) for peer, list_ in values.items()}
        entry = {"name": name, "unit": figure.unit, "runs": values, "medians": medians}
        if figure.bar and (judgement := figure.bar.judge(measure.peers[0], medians)):
            entry["bar"] = figure.bar.words
            entry["result"], entry["holds"] = judgement
        figures.append(entry)
    return {"name": measure.name, "ours": measure.peers[0], "title": title, "figures": figures}


def _settings():
    with databases.cursor() as cr:
        cr.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(SETTINGS)])
        return dict(cr.fetchall())


def _in_words(value):
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, dict) else value


def _line(*cells):
    return f"| {' | '.join(cells)} |"


def _cell(figure, peer):
    values = figure["runs"].get(peer.name)
    if not values:
        return ""
    middle = shown(figure["medians"][peer.name])
    return middle if len(values) == 1 else f"{middle} ({shown(min(values))} to {shown(max(values))})"


def _judgement(figure):
    if "holds" not in figure:
        return "", ""
    return figure["bar"], f"{figure['result']}, {'holds' if figure['holds'] else '**does not hold**'}"


def shown(value):
    """Return a number as text: three significant digits, and whole numbers from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
