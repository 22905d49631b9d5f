"""Objects of the harbour scenes: boats, cars, houses and buoys as lists of coloured polygons.

Coordinates are relative: x right, y down, the object stands on its lowest point. All classes share one
palette, so that colour does not predict the class.
"""

import math
from random import Random

Colour = tuple[int, int, int]
Polygon = list[tuple[float, float]]
Part = tuple[Polygon, Colour]  # drawn in order, later parts over earlier ones

PAINTS: tuple[Colour, ...] = (
    (200, 52, 46),
    (226, 120, 44),
    (240, 190, 60),
    (58, 128, 84),
    (44, 98, 160),
    (96, 74, 140),
    (234, 228, 214),
    (70, 76, 88),
    (150, 88, 60),
    (64, 156, 164),
)
WHITE: Colour = (244, 242, 236)
DARK: Colour = (48, 50, 58)
GLASS: Colour = (150, 190, 210)
WOOD: Colour = (128, 90, 60)


def boat(rng: Random) -> list[Part]:
    return rng.choice((_sailing_boat, _fishing_boat, _motor_boat))(rng)


def car(rng: Random) -> list[Part]:
    """Side view: a saloon, a hatchback or a van, told apart by the line of the roof."""
    body, roof = _paint(rng), rng.choice(("saloon", "hatchback", "van"))
    top = {"saloon": 0.0, "hatchback": -0.02, "van": -0.08}[roof] + rng.uniform(-0.01, 0.01)
    front, back = {"saloon": (0.26, 0.80), "hatchback": (0.28, 0.92), "van": (0.18, 0.97)}[roof]
    cabin = [(front - 0.08, 0.21), (front + 0.08, top), (back - 0.10, top), (back, 0.21)]
    panes_end = back - 0.08
    middle = (front + panes_end) / 2 + 0.03
    shell = [(0.0, 0.26), (0.04, 0.20), (0.20, 0.18), (0.92, 0.18), (0.99, 0.22), (1.0, 0.40), (0.01, 0.40)]
    parts: list[Part] = [
        (cabin, _shade(body, 0.92)),
        (shell, body),
        (
            [(front, 0.19), (front + 0.10, top + 0.03), (middle - 0.02, top + 0.03), (middle - 0.02, 0.19)],
            GLASS,
        ),
        (
            [
                (middle + 0.01, 0.19),
                (middle + 0.01, top + 0.03),
                (panes_end - 0.05, top + 0.03),
                (panes_end, 0.19),
            ],
            GLASS,
        ),
        ([(0.0, 0.36), (1.0, 0.36), (0.99, 0.41), (0.01, 0.41)], _shade(body, 0.6)),
        (_box(middle - 0.015, 0.20, middle - 0.005, 0.36), _shade(body, 0.7)),
        (_box(middle + 0.02, 0.24, middle + 0.07, 0.255), _shade(body, 0.6)),
        (_box(0.0, 0.24, 0.05, 0.29), (250, 236, 170)),
        (_box(0.96, 0.24, 0.995, 0.29), (190, 40, 40)),
    ]
    for wheel in (0.22, 0.78):
        parts += [
            (_ellipse(wheel, 0.40, 0.115, 0.115), _shade(body, 0.45)),
            (_ellipse(wheel, 0.41, 0.095, 0.095), (34, 34, 38)),
            (_ellipse(wheel, 0.41, 0.052, 0.052), (186, 188, 192)),
            (_ellipse(wheel, 0.41, 0.020, 0.020), (96, 98, 104)),
        ]
    return parts


def house(rng: Random) -> list[Part]:
    """A gabled front, or the long side under a sloping roof."""
    wall, roof, door = _paint(rng), _paint(rng), _paint(rng)
    height = rng.uniform(0.42, 0.62)
    parts: list[Part] = []
    chimney = rng.uniform(0.64, 0.76)
    if rng.random() < 0.5:
        peak = -rng.uniform(0.34, 0.46)
        parts.append((_box(chimney, peak + 0.06, chimney + 0.10, 0.0), (150, 84, 70)))
        parts.append((_box(chimney - 0.015, peak + 0.03, chimney + 0.115, peak + 0.08), (120, 66, 58)))
        parts.append(([(0.08, 0.0), (0.5, peak + 0.04), (0.92, 0.0), (0.92, height), (0.08, height)], wall))
        parts.append(
            ([(0.0, 0.05), (0.5, peak), (1.0, 0.05), (0.95, 0.10), (0.5, peak + 0.09), (0.05, 0.10)], roof)
        )
        parts += _window(0.41, peak * 0.45, 0.18, 0.13)
    else:
        top = -rng.uniform(0.26, 0.34)
        parts.append((_box(chimney, top - 0.10, chimney + 0.09, 0.0), (150, 84, 70)))
        parts.append((_box(0.06, -0.02, 0.94, height), wall))
        parts.append(([(0.14, top), (0.86, top), (1.0, 0.03), (0.0, 0.03)], roof))
        for row in (0.33, 0.66):
            y = top + row * (0.03 - top)
            parts.append((_box(0.14 - 0.14 * row, y, 0.86 + 0.14 * row, y + 0.012), _shade(roof, 0.8)))
    door_at = rng.choice((0.18, 0.43, 0.66))
    parts.append((_box(door_at, height - 0.29, door_at + 0.15, height), _shade(WHITE, 0.95)))
    parts.append((_box(door_at + 0.015, height - 0.27, door_at + 0.135, height), door))
    for place in (0.18, 0.43, 0.66):
        if place != door_at:
            parts += _window(place, height - 0.32, 0.16, 0.17)
    parts.append((_box(0.06, height - 0.03, 0.94, height), _shade(wall, 0.7)))
    return parts


def buoy(rng: Random) -> list[Part]:
    """A float with a striped tower and a topmark: a can, a cone or a ball."""
    first = _paint(rng)
    second = rng.choice([paint for paint in (*PAINTS, WHITE, DARK) if paint != first])
    kind = rng.choice(("can", "cone", "lattice"))
    parts: list[Part] = []
    low, high = (0.17, 0.17) if kind == "can" else (0.20, 0.07)
    top, bottom, bands = -0.62, 0.02, rng.choice((3, 4, 5))
    for band in range(bands):
        y1, y2 = (top + (bottom - top) * (band + step) / bands for step in (0, 1))
        w1, w2 = (high + (low - high) * (band + step) / bands for step in (0, 1))
        strip = [(0.5 - w1, y1), (0.5 + w1, y1), (0.5 + w2, y2), (0.5 - w2, y2)]
        parts.append((strip, first if band % 2 == 0 else second))
        if kind == "lattice":  # see-through bays would make holes in the mask: they are painted dark instead
            bay = [(0.5 - w1 * 0.5, y1 + 0.03), (0.5 + w1 * 0.5, y1 + 0.03), (0.5 + w2 * 0.55, y2 - 0.03)]
            parts.append(([*bay, (0.5 - w2 * 0.55, y2 - 0.03)], _shade(first, 0.45)))
    parts.append((_box(0.485, -0.74, 0.515, -0.60), DARK))
    parts.append((_box(0.5 - high - 0.03, -0.645, 0.5 + high + 0.03, -0.615), DARK))
    mark = rng.choice(("ball", "cone", "cross", "lamp"))
    if mark == "ball":
        parts.append((_ellipse(0.5, -0.80, 0.075, 0.075), second))
    elif mark == "cone":
        parts.append(([(0.5, -0.90), (0.59, -0.74), (0.41, -0.74)], second))
    elif mark == "cross":
        parts.append(([(0.42, -0.88), (0.45, -0.91), (0.58, -0.76), (0.55, -0.73)], second))
        parts.append(([(0.55, -0.91), (0.58, -0.88), (0.45, -0.73), (0.42, -0.76)], second))
    else:
        parts.append((_box(0.455, -0.83, 0.545, -0.73), (250, 226, 130)))
        parts.append(([(0.44, -0.83), (0.5, -0.89), (0.56, -0.83)], DARK))
    float_colour = rng.choice((first, second))
    parts.append((_ellipse(0.5, 0.03, 0.31, 0.085), _shade(float_colour, 1.08)))
    parts.append(
        ([(0.19, 0.03), (0.81, 0.03), (0.75, 0.17), (0.62, 0.21), (0.38, 0.21), (0.25, 0.17)], float_colour)
    )
    parts.append(([(0.21, 0.09), (0.79, 0.09), (0.77, 0.13), (0.23, 0.13)], _shade(float_colour, 0.75)))
    return parts


def _sailing_boat(rng: Random) -> list[Part]:
    hull, sail = _paint(rng), rng.choice((WHITE, WHITE, (246, 232, 200), _paint(rng)))
    top = -rng.uniform(0.80, 0.98)
    belly = rng.uniform(0.03, 0.07)
    main = _curved((0.53, top + 0.06), (0.92, -0.06), (0.78 + belly, top * 0.45))
    jib = _curved((0.47, top + 0.16), (0.08, -0.05), (0.24 - belly, top * 0.42))
    return [
        (_box(0.485, top, 0.515, 0.02), WOOD),
        ([*main, (0.53, -0.06)], sail),
        ([*jib, (0.47, -0.05)], _shade(sail, 0.93)),
        (_box(0.49, -0.07, 0.93, -0.045), WOOD),
        ([(0.53, top * 0.62), (0.80, top * 0.42), (0.82, top * 0.36), (0.53, top * 0.55)], _paint(rng)),
        ([(0.515, top), (0.64, top + 0.03), (0.515, top + 0.07)], _paint(rng)),
        *_hull(rng, hull, 0.24),
    ]


def _fishing_boat(rng: Random) -> list[Part]:
    hull, house_paint = _paint(rng), rng.choice((WHITE, (232, 220, 190), _paint(rng)))
    at, top = rng.uniform(0.46, 0.56), -rng.uniform(0.34, 0.42)
    return [
        (_box(0.25, -0.62, 0.275, 0.02), WOOD),
        ([(0.26, -0.60), (0.27, -0.58), (at + 0.02, -0.10), (at, -0.10)], _shade(WOOD, 0.8)),
        ([(0.275, -0.62), (0.38, -0.59), (0.275, -0.56)], _paint(rng)),
        (_box(at, top, at + 0.30, 0.03), house_paint),
        (_box(at - 0.03, top - 0.04, at + 0.33, top + 0.01), _paint(rng)),
        *(((_box(at + x, top + 0.06, at + x + 0.07, top + 0.17)), GLASS) for x in (0.025, 0.115, 0.205)),
        (_box(at + 0.11, top - 0.20, at + 0.14, top - 0.03), DARK),
        (_box(0.10, -0.07, at, -0.05), _shade(hull, 0.7)),
        *(((_box(x, -0.07, x + 0.015, 0.03)), _shade(hull, 0.7)) for x in (0.12, 0.22, 0.34)),
        *_hull(rng, hull, 0.30),
    ]


def _motor_boat(rng: Random) -> list[Part]:
    hull, deck = _paint(rng), rng.choice((WHITE, (232, 220, 190)))
    funnel = _paint(rng)
    return [
        (_box(0.40, -0.42, 0.53, -0.16), funnel),
        (_box(0.40, -0.36, 0.53, -0.29), _shade(WHITE, 0.95)),
        ([(0.22, 0.02), (0.24, -0.20), (0.76, -0.20), (0.84, 0.02)], deck),
        (_box(0.21, -0.22, 0.79, -0.18), _shade(funnel, 0.85)),
        *((_ellipse(x, -0.09, 0.038, 0.045), GLASS) for x in (0.33, 0.45, 0.57, 0.69)),
        (_box(0.885, -0.16, 0.90, 0.0), DARK),
        ([(0.90, -0.16), (0.98, -0.13), (0.90, -0.10)], _paint(rng)),
        *_hull(rng, hull, 0.27),
    ]


def _hull(rng: Random, colour: Colour, depth: float) -> list[Part]:
    """Bow to the right, deck line near y = 0."""
    side = [(0.0, 0.0), (0.5, 0.035), (1.06, -0.05), (0.96, depth * 0.55), (0.86, depth), (0.10, depth)]
    band = [(0.015, 0.05), (0.5, 0.085), (1.035, 0.005), (1.025, 0.04), (0.5, 0.125), (0.025, 0.09)]
    keel = [(0.07, depth * 0.72), (0.925, depth * 0.72), (0.86, depth), (0.10, depth)]
    holes = rng.choice((0, 3, 4))
    ports: list[Part] = [
        (_ellipse(0.28 + 0.46 * index / max(holes - 1, 1), depth * 0.52 + 0.02, 0.022, 0.022), DARK)
        for index in range(holes)
    ]
    return [
        (side, colour),
        (band, rng.choice((WHITE, _shade(colour, 1.25)))),
        (keel, _shade(colour, 0.6)),
        *ports,
    ]


def _window(x: float, y: float, width: float, height: float) -> list[Part]:
    return [
        (_box(x, y, x + width, y + height), WHITE),
        (_box(x + 0.018, y + 0.018, x + width - 0.018, y + height - 0.018), (110, 150, 176)),
        (_box(x + width / 2 - 0.007, y, x + width / 2 + 0.007, y + height), WHITE),
        (_box(x, y + height / 2 - 0.007, x + width, y + height / 2 + 0.007), WHITE),
    ]


def _paint(rng: Random) -> Colour:
    red, green, blue = rng.choice(PAINTS)
    return _clamped(red + rng.randint(-14, 14), green + rng.randint(-14, 14), blue + rng.randint(-14, 14))


def _shade(colour: Colour, factor: float) -> Colour:
    return _clamped(*(round(channel * factor) for channel in colour))


def _clamped(red: int, green: int, blue: int) -> Colour:
    return min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255)


def _box(x1: float, y1: float, x2: float, y2: float) -> Polygon:
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def _ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Polygon:
    angles = (2 * math.pi * step / 24 for step in range(24))
    return [(x + radius_x * math.cos(angle), y + radius_y * math.sin(angle)) for angle in angles]


def _curved(start: tuple[float, float], end: tuple[float, float], control: tuple[float, float]) -> Polygon:
    """A quadratic curve in twelve pieces."""
    points = []
    for step in range(13):
        t = step / 12
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        points.append(
            (a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1])
        )
    return points
