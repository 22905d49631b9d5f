// Geometry alone: no page, no state. Shapes are in image pixels (x right, y down, from the top left corner).
// A view {scale, x, y} puts the image into the viewport: place = point * scale + (x, y), CSS pixels.
// A region is {name, shape, role, points, width}: a box has two opposite corners, a stroke its diameter.

const CLICK = 8 // CSS pixels: what reaches no further is a click, and a click is no drawing
const GRIP = 7 // CSS pixels from a handle, corner or edge that still count as on it
const MARGIN = 48 // CSS pixels that a zoomed image may be pulled in from the viewport's edge
const THINNEST = 1.5 // image pixels: a thinner stroke could pass between the centres of all pixels
const NEAREST = 16 // CSS pixels per image pixel at the strongest zoom,
const FARTHEST = 0.25 // and at the weakest of an image that has room for more

const toImage = (view, [x, y]) => [(x - view.x) / view.scale, (y - view.y) / view.scale]
const toPlace = (view, [x, y]) => [x * view.scale + view.x, y * view.scale + view.y]
const between = (low, value, high) => Math.max(low, Math.min(high, value))
const apart = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by)

function fitted(size, room) {
  return within({ scale: Math.min(room[0] / size[0], room[1] / size[1]), x: 0, y: 0 }, size, room)
}

/** Moved so far that the image cannot get lost; centred along a side on which all of it is seen. */
function within(view, size, room) {
  const along = (axis, start) => {
    const extent = size[axis] * view.scale
    if (extent <= room[axis] + 0.5) return (room[axis] - extent) / 2
    return between(room[axis] - extent - MARGIN, start, MARGIN)
  }
  return { scale: view.scale, x: along(0, view.x), y: along(1, view.y) }
}

/** At another scale; the point of the image at `place` stays there, where the image leaves a choice. */
function zoomed(view, scale, place, size, room) {
  const fit = fitted(size, room).scale
  const next = between(Math.min(fit, FARTHEST), scale, Math.max(NEAREST, 8 * fit))
  const [x, y] = toImage(view, place)
  return within({ scale: next, x: place[0] - x * next, y: place[1] - y * next }, size, room)
}

const panned = (view, dx, dy, size, room) =>
  within({ scale: view.scale, x: view.x + dx, y: view.y + dy }, size, room)

function cornersOf(region) {
  if (region.shape !== "box") return region.points
  const [[x1, y1], [x2, y2]] = region.points
  return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
}

/** [left, top, right, bottom] of some points. */
function boundsOf(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of points) {
    left = Math.min(left, x); right = Math.max(right, x)
    top = Math.min(top, y); bottom = Math.max(bottom, y)
  }
  return [left, top, right, bottom]
}

/** Whether a drawn shape is large enough on screen to be meant. */
function isMeant(shape, points, scale) {
  if (shape === "brush") {
    let length = 0
    for (let n = 1; n < points.length; n++) length += apart(points[n - 1], points[n])
    return length * scale >= CLICK
  }
  const [left, top, right, bottom] = boundsOf(points)
  const [longer, shorter] = [Math.max(right - left, bottom - top), Math.min(right - left, bottom - top)]
  return points.length > 1 && longer * scale >= CLICK && shorter * scale >= 1
}

/** The whole region elsewhere, but not beyond the image's edges. */
function shifted(region, dx, dy, size) {
  const [left, top, right, bottom] = boundsOf(region.points)
  const kept = (low, value, high) => (low > high ? 0 : between(low, value, high))
  const x = kept(-left, dx, size[0] - right), y = kept(-top, dy, size[1] - bottom)
  return { ...region, points: region.points.map((point) => [point[0] + x, point[1] + y]) }
}

/** The region drawn into other bounds; a side without extent is only moved. */
function stretched(region, before, after) {
  const along = (value, low, high, newLow, newHigh) =>
    high > low ? newLow + ((value - low) / (high - low)) * (newHigh - newLow) : newLow
  return {
    ...region,
    points: region.points.map(([x, y]) => [
      along(x, before[0], before[2], after[0], after[2]),
      along(y, before[1], before[3], after[1], after[3]),
    ]),
  }
}

// Of the eight handles around a region: which bound (index into [left, top, right, bottom]) moves with each.
const HANDLES = [[0, 1], [null, 1], [2, 1], [2, null], [2, 3], [null, 3], [0, 3], [0, null]]

function handlePlaces(region, view) {
  const [left, top, right, bottom] = boundsOf(region.points)
  const xs = { 0: left, 2: right, null: (left + right) / 2 }
  const ys = { 1: top, 3: bottom, null: (top + bottom) / 2 }
  return HANDLES.map(([across, down]) => toPlace(view, [xs[across], ys[down]]))
}

/** Bounds after one handle is dragged to a point of the image. */
function boundsAfter(bounds, handle, [x, y], size) {
  const [across, down] = HANDLES[handle]
  const after = [...bounds]
  if (across !== null) after[across] = between(0, x, size[0])
  if (down !== null) after[down] = between(0, y, size[1])
  return after
}

function distanceToLine([x, y], [ax, ay], [bx, by]) {
  const squared = (bx - ax) ** 2 + (by - ay) ** 2
  const share = squared ? between(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared, 1) : 0
  return Math.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))
}

/** The side of a line of points nearest to a point: [index of the point it starts at, distance]. */
function nearestSide(point, points, closed) {
  let best = [-1, Infinity]
  const sides = closed ? points.length : points.length - 1
  for (let n = 0; n < sides; n++) {
    const far = distanceToLine(point, points[n], points[(n + 1) % points.length])
    if (far < best[1]) best = [n, far]
  }
  return points.length === 1 ? [0, apart(point, points[0])] : best
}

/** Even-odd, as the server fills. */
function holds(points, [x, y]) {
  let inside = false
  for (let n = 0, before = points.length - 1; n < points.length; before = n++) {
    const [ax, ay] = points[before], [bx, by] = points[n]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside
  }
  return inside
}

function isOn(region, point, scale) {
  const corners = cornersOf(region), closed = region.shape !== "brush"
  if (closed && holds(corners, point)) return true
  return nearestSide(point, corners, closed)[1] <= (closed ? 0 : region.width / 2) + GRIP / scale
}

/** Index of the smallest region under a point of the image, the newest of equal ones; -1 for none. */
function regionAt(regions, point, scale) {
  let best = -1, least = Infinity
  regions.forEach((region, index) => {
    if (!isOn(region, point, scale)) return
    const [left, top, right, bottom] = boundsOf(region.points)
    const area = (right - left) * (bottom - top)
    if (area <= least) [best, least] = [index, area]
  })
  return best
}

/** A hand's line without the points that add nothing: none is farther than `tolerance` from what is left. */
function simplified(points, tolerance) {
  if (points.length < 3) return points
  const keep = new Uint8Array(points.length)
  keep[0] = keep[points.length - 1] = 1
  const waiting = [[0, points.length - 1]]
  while (waiting.length) {
    const [first, last] = waiting.pop()
    let farthest = -1, most = tolerance
    for (let n = first + 1; n < last; n++) {
      const far = distanceToLine(points[n], points[first], points[last])
      if (far > most) [farthest, most] = [n, far]
    }
    if (farthest < 0) continue
    keep[farthest] = 1
    waiting.push([first, farthest], [farthest, last])
  }
  return points.filter((_, n) => keep[n])
}
