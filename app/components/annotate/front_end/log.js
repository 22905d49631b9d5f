// What a person does, in order, told to the server until it says that it is done. The browser sends the
// newest state of a component and may leave out those between: each state holds all actions that wait.

const random = () => Math.random().toString(36).slice(2, 10)

const newLog = () => ({ id: random(), told: 0, done: 0, waiting: [], names: 0 })

function tell(board, action) {
  const { log } = board
  log.told += 1
  log.waiting.push({ number: log.told, image: board.image, label: board.label, ...action })
  board.setState("told", { log: log.id, done: log.done, actions: [...log.waiting] })
  board.shapes.dataset.waits = log.waiting.length // for tests: 0 once the server has confirmed all
}

/** The server has done the actions up to this number. */
function drop(board, id, done) {
  const { log } = board
  if (id !== log.id) return
  log.done = Math.max(log.done, done)
  log.waiting = log.waiting.filter((action) => action.number > log.done)
  board.shapes.dataset.waits = log.waiting.length
}

function named(board, region) {
  board.log.names += 1
  const { shape, role, points, width = null } = region
  return { name: `${board.log.id}-${board.log.names}`, shape, role, points, width }
}

/** Change the drawing here at once, and on the server. `same`: one step with the change before. */
function change(board, { add = [], put = [], remove = [], same = false }) {
  const added = add.map((region) => named(board, region))
  const replaced = put.map(([name, region]) => [name, named(board, region)])
  const by = new Map(replaced)
  const gone = new Set(remove)
  board.regions = board.regions
    .filter((region) => !gone.has(region.name))
    .map((region) => by.get(region.name) ?? region)
    .concat(added)
  tell(board, { do: "change", add: added, put: replaced, remove, same })
  return [...replaced.map(([, region]) => region), ...added]
}
