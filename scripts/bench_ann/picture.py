"""The curves as one SVG: recall@10 against searches a second by one thread, a line an engine, its name at the line's end.

Recall is drawn by what is missed, on a scale of logarithms: from 0.98 to 0.99 half of the misses go, as from 0.90 to
0.95. Written by hand, so that drawing needs nothing but Python.
"""

import math
from html import escape
from statistics import median

WIDTH, HEIGHT = 900, 560
LEFT, RIGHT, TOP, BOTTOM = 84, 736, 84, 486
LEAST, MOST = 0.85, 0.9995
TICKS = (0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
APART = 18
# Of searches a second: 1, 2, 5, 10 and so on, as logarithms.
STEPS = [math.log10(digit * 10**power) for power in range(7) for digit in (1, 2, 5)]
# A colour a project, dashes for fewer bits. All are dark enough to be read as text on white.
LOOKS = {
    "paperkin": ("#d1242f", ""),
    "hnsw_rs": ("#57606a", ""),
    "hnswlib": ("#0969da", ""),
    "faiss": ("#1a7f37", ""),
    "faiss-sq8": ("#1a7f37", "7 4"),
    "usearch-f32": ("#8250df", ""),
    "usearch-f16": ("#8250df", "7 4"),
    "usearch-i8": ("#8250df", "2 4"),
    "qdrant": ("#9a6700", ""),
}


def picture(rows, names, title):
    """The SVG. `rows` holds the rounds of each engine: each point is their median."""
    curves = {engine: curve(rounds) for engine, rounds in rows.items()}
    shown = {engine: inside(points) for engine, points in curves.items()}
    shown = {engine: points for engine, points in shown.items() if points}
    rates = [rate for points in shown.values() for _, rate in points]
    low = max((tick for tick in STEPS if tick <= min(rates, default=2)), default=STEPS[0])
    high = min((tick for tick in STEPS if tick >= max(rates, default=4)), default=STEPS[-1])

    def place(point):
        across, rate = point
        return LEFT + across * (RIGHT - LEFT), BOTTOM - (rate - low) / (high - low) * (BOTTOM - TOP)

    absent = [plain(names[engine]) for engine in rows if engine not in shown]
    parts = [frame(title, low, high, place, absent)]
    # The last is drawn above the others.
    for engine in sorted(shown, key=lambda engine: engine == "paperkin"):
        points = [place(point) for point in shown[engine]]
        marks = [place(point) for point in curves[engine] if 0 <= point[0] <= 1]
        parts.append(line(engine, points, marks))
    parts += labels({engine: place(points[-1]) for engine, points in shown.items()}, names)
    return "\n".join([*parts, "</svg>", ""])


def curve(rounds):
    """The points by their widths, each as its share of the way across, and the logarithm of its rate."""
    widths = {}
    for row in rounds:
        for point in row.get("curve", ()):
            widths.setdefault(point["width"], []).append((point["recall"], point["queries_per_second"]))
    middle = [[median(column) for column in zip(*widths[width])] for width in sorted(widths)]
    return [(across(recall), math.log10(rate)) for recall, rate in middle]


def across(recall):
    # Where nothing was missed, half of one neighbour in ten thousand is taken to be.
    missed = math.log(1 - LEAST) - math.log(max(1 - recall, 5e-5))
    return missed / (math.log(1 - LEAST) - math.log(1 - MOST))


def inside(points):
    """The part of a line that is in the picture."""
    kept = []
    for (left, start), (right, end) in zip(points, points[1:]):
        if max(left, right) < 0 or min(left, right) > 1:
            continue
        slope = (end - start) / (right - left) if right != left else 0
        for x, y in ((left, start), (right, end)):
            edge = min(max(x, 0), 1)
            kept.append((edge, y + slope * (edge - x)))
    return kept


def frame(title, low, high, place, absent):
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#1f2328">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="36" font-size="18" font-weight="bold">{escape(title)}</text>',
        text(LEFT, 60, "Searches a second by one thread, for the 10 nearest. Up and to the right is better."),
    ]
    for tick in TICKS:
        x = place((across(tick), low))[0]
        parts += [rule(x, TOP, x, BOTTOM), text(x, BOTTOM + 22, f"{tick:g}", "middle")]
    for step in STEPS:
        if low <= step <= high:
            y = place((0, step))[1]
            parts += [rule(LEFT, y, RIGHT, y), text(LEFT - 10, y + 5, f"{10**step:,.0f}", "end")]
    parts.append(text((LEFT + RIGHT) / 2, BOTTOM + 48, "Recall", "middle"))
    if absent:
        parts.append(text(WIDTH - 20, HEIGHT - 12, f"Not drawn: {', '.join(absent)}", "end", 12))
    return "\n".join(parts)


def text(x, y, what, anchor="start", size=14):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#57606a">{escape(what)}</text>'


def rule(x, y, to_x, to_y):
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="#d8dee4" fill="none"/>'


def line(engine, points, marks):
    colour, dashes = LOOKS[engine]
    thick, radius = (4, 5) if engine == "paperkin" else (2, 3)
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    drawn = f'<path d="M{way}" stroke="{colour}" stroke-width="{thick}" stroke-dasharray="{dashes}" fill="none"'
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in marks)
    return f'{drawn} stroke-linejoin="round"/>\n<g fill="{colour}" stroke="#ffffff">{dots}</g>'


def labels(ends, names):
    """Names beside the ends of the lines. Those of lines that end near the edge stand in one column beyond it."""
    at_edge = {engine: end for engine, end in ends.items() if end[0] > RIGHT - 100}
    beside = {engine: end for engine, end in ends.items() if engine not in at_edge}
    parts = []
    for group, column in ((at_edge, RIGHT + 22), (beside, None)):
        for (engine, (x, y)), level in zip(group.items(), spread([y for _, y in group.values()])):
            colour, start = LOOKS[engine][0], column or x + 22
            weight = "bold" if engine == "paperkin" else "normal"
            name = f'x="{start:.1f}" y="{level + 5:.1f}" font-weight="{weight}">{escape(plain(names[engine]))}</text>'
            leader = f'M{x + 6:.1f} {y:.1f}L{start - 4:.1f} {level:.1f}'
            parts.append(f'<path d="{leader}" stroke="{colour}" opacity="0.5"/>')
            # Twice: the first is a white edge, so that what is below does not run into the letters.
            parts.append(f'<text stroke="#ffffff" stroke-width="5" {name}<text fill="{colour}" {name}')
    return parts


def spread(heights):
    """The same heights, moved as little as keeps the names apart."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    levels = list(heights)
    for _ in range(500):
        for upper, lower in zip(order, order[1:]):
            if (overlap := APART - (levels[lower] - levels[upper])) > 0:
                levels[upper] -= overlap / 2
                levels[lower] += overlap / 2
    return levels


def plain(name):
    return name.replace("*", "")
