"""Draws how costs grow as one SVG picture: a panel a subject, with both axes in powers of ten."""

import statistics

try:
    import matplotlib
except ImportError:
    matplotlib = None

MISSING = None if matplotlib else "no matplotlib (package python3-matplotlib)"
COLUMNS = 2
PANEL_INCHES = (4.6, 3.0)


class Curves:
    """What was measured: by panel (its title, what grows, what is counted) the points of each curve."""

    def __init__(self):
        self.panels = {}

    def add(self, panel, curve, size, values):
        self.panels.setdefault(panel, {}).setdefault(curve, []).append((size, statistics.median(values)))


def draw(curves, path, title):
    matplotlib.use("svg")
    # Text as text, and the same picture from the same numbers.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "stagebox", "font.size": 8})
    from matplotlib import pyplot
    rows = -(-len(curves.panels) // COLUMNS)
    figure, axes = pyplot.subplots(rows, COLUMNS, squeeze=False,
                                   figsize=(COLUMNS * PANEL_INCHES[0], rows * PANEL_INCHES[1]))
    for panel, axis in zip(curves.panels.items(), axes.flat):
        (name, grows, counted), lines = panel
        for line, points in lines.items():
            axis.loglog(*zip(*points), marker="o", markersize=3, label=line)
        axis.set(title=name, xlabel=grows, ylabel=counted)
        axis.grid(which="major", alpha=0.4)
        axis.legend()
    for axis in axes.flat[len(curves.panels):]:
        axis.remove()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
