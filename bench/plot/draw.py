"""``python draw.py RESULTS.json PICTURE.svg``: CPU per event, and latency against throughput.

Needs matplotlib and nothing of ours. Points are medians of the runs that count.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

Runs = list[dict[str, Any]]


def main(results: Path, picture: Path) -> None:
    mpl.rcParams.update({"svg.hashsalt": "leadstream", "svg.fonttype": "none"})
    document = json.loads(results.read_text())
    counting = [run for run in document["runs"] if run["figures"] and run["counts"]]
    rows = [
        (draw, workload, found)
        for workload in dict.fromkeys(run["workload"] for run in counting)
        for measure, draw in (("throughput", _cpu), ("latency", _latency))
        if (found := [run for run in counting if (run["workload"], run["measure"]) == (workload, measure)])
    ]
    figure = Figure(figsize=(9, 4.2 * len(rows)), layout="constrained")
    for axes, (draw, workload, found) in zip(
        figure.subplots(len(rows), squeeze=False).flat, rows, strict=True
    ):
        draw(axes, workload, found)
    machine = document["machine"]
    figure.suptitle(
        f"{machine['cpu']}, {machine['cores']} cores; Kafka {machine['kafka']} on the same machine"
    )
    figure.savefig(picture, metadata={"Date": None})


def _cpu(axes: Any, workload: str, runs: Runs) -> None:
    medians = {
        title: median(run["figures"]["steady_cpu_us"] for run in mine) for title, mine in _by_title(runs)
    }
    titles = sorted(medians, key=lambda title: medians[title], reverse=True)
    bars = axes.barh(titles, [medians[title] for title in titles])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set(xscale="log", xlabel="CPU µs per event (log)", title=f"{workload}: CPU")
    axes.margins(x=0.15)


def _latency(axes: Any, workload: str, runs: Runs) -> None:
    for title, mine in _by_title(runs):
        rates: defaultdict[int, list[dict[str, float]]] = defaultdict(list)
        for run in mine:
            if "qualified" in run["figures"]["leads"]:
                rates[run["rate"]].append(run["figures"]["leads"]["qualified"])
        xs = sorted(rates)
        lines = axes.plot(xs, [median(one["p50"] for one in rates[x]) for x in xs], marker="o", label=title)
        p99 = [median(one["p99"] for one in rates[x]) for x in xs]
        axes.plot(xs, p99, marker=".", linestyle=":", color=lines[0].get_color())
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="events/s (log)",
        ylabel="ms (log)",
        title=f"{workload}: qualification produced → lead read; solid p50, dotted p99",
    )
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    axes.grid(visible=True, which="both", alpha=0.2)


def _by_title(runs: Runs) -> list[tuple[str, Runs]]:
    found: defaultdict[str, Runs] = defaultdict(list)
    for run in runs:
        found[run["title"]].append(run)
    return [*found.items()]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
