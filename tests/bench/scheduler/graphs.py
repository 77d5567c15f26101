"""The same graphs for Stagebox, ninja and make: each node makes one small file from those of the nodes it needs."""

import random


def chain(size):
    return [[node - 1] if node else [] for node in range(size)]


def wide(size):
    """Independent nodes and one that needs nothing of them: nothing but width."""
    return [[] for _ in range(size)]


def random_graph(size, most_needs=3, seed=1):
    chance = random.Random(seed)
    return [sorted(chance.sample(range(node), min(node, chance.randint(0, most_needs)))) for node in range(size)]


def layered(size, needs=10, width=100):
    """`needs` edges into each node of the layer before: many edges."""
    graph = []
    for node in range(size):
        first = node // width * width - width
        graph.append([first + (node + 7 * step) % width for step in range(needs)] if first >= 0 else [])
    return graph


SHAPES = {"chain": chain, "wide": wide, "random": random_graph}


def pipeline(graph, salt="", edges="data", outputs=True):
    """Every stage has a key of its own: its number is in its environment. Without outputs none can need another's."""
    declared = ", outputs: {o: o}" if outputs else ""
    lines = ["stagebox: 1", "name: bench", "images: {bb: {tarball: bb.tar}}", "defaults: {image: bb}", "stages:"]
    for node, needs in enumerate(graph):
        if edges == "data":
            inputs = ", ".join(f"i{need}: {{from: s{need}.o}}" for need in needs)
            edge = f", inputs: {{{inputs}}}" if needs else ""
        else:
            edge = f", needs: [{', '.join(f's{need}' for need in needs)}]" if needs else ""
        lines.append(f"  s{node}: {{run: [touch, o], env: {{N: \"{salt}{node}\"}}{edge}{declared}}}")
    return "\n".join(lines) + "\n"


def ninja_file(graph):
    lines = ["rule touch", "  command = touch $out"]
    lines += [f"build o{node}: touch {' '.join(f'o{need}' for need in needs)}" for node, needs in enumerate(graph)]
    return "\n".join(lines) + "\n"


def makefile(graph):
    lines = ["all: " + " ".join(f"o{node}" for node in range(len(graph)))]
    for node, needs in enumerate(graph):
        lines += [f"o{node}: {' '.join(f'o{need}' for need in needs)}", "\ttouch $@"]
    return "\n".join(lines) + "\n"
