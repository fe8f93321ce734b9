// A table of many rows. All values are in the page, and the rows on the screen hang in a layer that scrolling does not
// move, so that no scroll, however fast, can show an empty row: their texts are replaced instead.

const ROW = 28
const HEAD = 32
const TALLEST = 8e6 // pixels that every browser scrolls exactly
const WIDEST = 280
const SHUT = "data-lm-suppress-shortcuts" // the notebook leaves keys alone when the element in focus has it
const ARRAYS = { int8: Int8Array, int32: Int32Array, float32: Float32Array, float64: Float64Array }
const decoder = new TextDecoder()
let serial = 0

function make(tag, name, attributes = {}) {
  const made = document.createElement(tag)
  if (name) made.className = name
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}
/** Text whose control characters, and those that turn a line round, are seen instead of acting or hiding. */
export function visible(text) {
  if (!/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u.test(text)) return text
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (one) => {
    const code = one.codePointAt(0)
    if (code < 32) return String.fromCodePoint(0x2400 + code)
    return code === 127 ? "␡" : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`
  })
}
function array(Kind, view) {
  if (!view) return new Kind(0)
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) // views may be misaligned
}

// -- how values are written: the formats of Python ----------------------------------------------------------------------
const exponent = (text) => text.replace(/e([+-])(\d)$/, "e$10$2")
function general(value, digits) {
  const many = Math.max(digits, 1)
  const [mantissa, power] = value.toExponential(many - 1).split("e")
  const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text)
  if (+power < -4 || +power >= many) return exponent(`${trim(mantissa)}e${power}`)
  return trim(value.toFixed(many - 1 - power))
}
export function written(value, style) {
  if (Number.isNaN(value)) return "–"
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞"
  let text
  if (style.style === "f") text = value.toFixed(style.digits)
  else if (style.style === "%") text = `${(value * 100).toFixed(style.digits)}%`
  else if (style.style === "e") text = exponent(value.toExponential(style.digits))
  else if (style.style === "g") text = general(value, style.digits)
  else text = (Math.round(value) || 0).toFixed(0)
  if (style.comma) text = text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","))
  return style.plus && value >= 0 ? `+${text}` : text
}

/** How the texts of one column are read: (row) → text, and how many rows it has. */
export function reader(sent, style) {
  if (sent.kind === "text") {
    const blob = new Uint8Array(sent.blob.buffer, sent.blob.byteOffset, sent.blob.byteLength)
    const offsets = array(Int32Array, sent.offsets)
    const codes = sent.codes ? array(Int32Array, sent.codes) : null
    const text = (place) => decoder.decode(blob.subarray(offsets[place], offsets[place + 1]))
    return { count: codes ? codes.length : offsets.length - 1, text: codes ? (row) => text(codes[row]) : text }
  }
  const values = array(ARRAYS[sent.type], sent.data)
  if (sent.kind === "flag") return { count: values.length, text: (row) => (values[row] ? "✓" : "") }
  return { count: values.length, text: (row) => written(values[row], style), values }
}

class Table {
  constructor(model, el) {
    this.model = model
    this.el = el
    this.id = `specanom-table-${++serial}-${Math.random().toString(36).slice(2, 7)}`
    this.readers = new Map() // name of a column → {sent, style, text}
    this.order = new Int32Array(0)
    this.picked = new Set()
    this.columns = []
    this.pool = []
    this.top = 0          // pixels scrolled, exact where the scroll bar is not
    this.setTo = -1       // what the scroll bar was set to last
    this.press = 0
    this.anchor = -1      // where a range of picks begins: a row of the table
    this.headAt = 0
    this.undo = []
    this.frame()
    this.listen()
    this.takeColumns()
    this.takePicked()
    this.takeOrder()
  }

  // -- the frame ----------------------------------------------------------------------------------------------------
  frame() {
    const { el, id } = this
    el.classList.add("specanom-table")
    const bar = make("div", "specanom-table-bar")
    const label = make("label", "specanom-table-label", { for: `${id}-filter` })
    label.textContent = "Filter"
    this.field = make("input", "specanom-table-filter", {
      id: `${id}-filter`, type: "search", autocomplete: "off", spellcheck: "false", [SHUT]: "true",
      placeholder: this.model.get("hint") ?? "part of an id, or z > 0.1 and snr < 20", "aria-describedby": `${id}-error`,
      title: 'A piece of an id, or comparisons of columns: z > 0.1 and snr < 20 and mark == "artefact"',
    })
    this.count = make("span", "specanom-table-count", { role: "status" })
    this.chooser = make("button", "specanom-table-choose", {
      type: "button", "aria-haspopup": "true", "aria-expanded": "false", "aria-controls": `${id}-columns`, [SHUT]: "true" })
    this.chooser.textContent = "Columns"
    this.menu = make("div", "specanom-table-menu", { id: `${id}-columns`, role: "group", "aria-label": "Columns shown" })
    this.menu.hidden = true
    this.problem = make("div", "specanom-table-error", { id: `${id}-error`, role: "alert" })
    bar.append(label, this.field, this.count, this.chooser, this.menu)
    this.scroller = make("div", "specanom-table-scroll", {
      role: "grid", "aria-multiselectable": "true", tabindex: "0", [SHUT]: "true" })
    this.spacer = make("div", "specanom-table-space", { role: "presentation" })
    this.layer = make("div", "specanom-table-layer", { role: "presentation" })
    const headGroup = make("div", "specanom-table-headgroup", { role: "rowgroup" })
    this.head = make("div", "specanom-table-head", { role: "row", "aria-rowindex": "1" })
    this.body = make("div", "specanom-table-body", { role: "rowgroup" })
    this.empty = make("div", "specanom-table-empty")
    headGroup.append(this.head)
    this.layer.append(headGroup, this.body)
    this.spacer.append(this.layer)
    this.scroller.append(this.spacer)
    const box = make("div", "specanom-table-box")
    box.append(this.scroller, this.empty)
    el.append(bar, this.problem, box)
  }

  on(target, kind, handler, options) {
    target.addEventListener(kind, handler, options)
    this.undo.push(() => target.removeEventListener(kind, handler, options))
  }
  follow(name, handler) {
    this.model.on(`change:${name}`, handler)
    this.undo.push(() => this.model.off(`change:${name}`, handler))
  }

  listen() {
    this.on(this.scroller, "scroll", () => this.scrolled(), { passive: true })
    this.on(this.scroller, "wheel", (event) => this.wheel(event), { passive: false })
    this.on(this.scroller, "keydown", (event) => this.key(event))
    this.on(this.body, "click", (event) => this.click(event))
    this.on(this.body, "mousedown", (event) => { if (event.shiftKey) event.preventDefault() }) // no text is marked
    this.on(this.head, "click", (event) => {
      const cell = event.target.closest("[role=columnheader]")
      if (cell) this.sortBy(cell.dataset.name)
    })
    this.on(this.field, "input", () => {
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.set("filter", this.field.value), 180)
    })
    this.on(this.field, "keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Enter") this.set("filter", this.field.value)
      else if (event.key === "ArrowDown") { event.preventDefault(); this.enter() }
      else if (event.key === "Escape" && this.field.value) { this.field.value = ""; this.set("filter", "") }
    })
    this.on(this.chooser, "click", () => this.toggleMenu(this.menu.hidden))
    this.on(this.menu, "keydown", (event) => this.menuKey(event))
    this.on(document, "pointerdown", (event) => {
      if (!this.menu.hidden && !this.menu.contains(event.target) && event.target !== this.chooser) this.toggleMenu(false)
    }, true)
    this.follow("_columns", () => this.takeColumns())
    this.follow("hidden", () => this.takeColumns())
    this.follow("_order", () => this.takeOrder())
    this.follow("_picked", () => { this.takePicked(); this.draw() })
    this.follow("_focus", () => this.takeFocus())
    this.follow("sort", () => this.showSort())
    for (const name of ["filter", "error", "height", "label"]) this.follow(name, () => this.showFrame())
    const seen = new ResizeObserver(() => this.resized())
    seen.observe(this.scroller)
    this.undo.push(() => { seen.disconnect(); clearTimeout(this.timer) })
    this.showFrame()
  }
  end() {
    for (const one of this.undo.splice(0)) one()
    this.el.replaceChildren()
  }
  set(name, value) {
    clearTimeout(this.timer)
    this.model.set(name, value)
    this.model.save_changes()
  }

  // -- what Python says ---------------------------------------------------------------------------------------------
  showFrame() {
    const { model } = this
    if (document.activeElement !== this.field) this.field.value = model.get("filter")
    const error = model.get("error")
    if (this.problem.textContent !== error) this.problem.textContent = error
    this.problem.hidden = !error
    this.field.setAttribute("aria-invalid", String(Boolean(error)))
    this.scroller.style.height = `${model.get("height")}px`
    this.scroller.setAttribute("aria-label", model.get("label"))
  }

  takeColumns() {
    const described = this.model.get("_columns")
    const hidden = new Set(this.model.get("hidden"))
    for (const stop of this.slots ?? []) stop()
    this.slots = described.map((_, place) => {
      const taken = () => this.takeColumn(place)
      this.model.on(`change:_column_${place}`, taken)
      return () => this.model.off(`change:_column_${place}`, taken)
    })
    if (!this.slotsEnd) this.undo.push((this.slotsEnd = () => { for (const stop of this.slots) stop() }))
    const known = new Set(described.map((one) => one.name))
    for (const name of this.readers.keys()) if (!known.has(name)) this.readers.delete(name)
    described.forEach((column, place) => this.read(column, place))
    this.columns = described.filter((one) => !hidden.has(one.name) && this.readers.has(one.name))
    this.layout()
    if (!this.menu.hidden) this.fillMenu()
  }
  takeColumn(place) {
    const column = this.model.get("_columns")[place]
    if (!column) return
    this.read(column, place)
    const wanted = this.readers.has(column.name) && !this.model.get("hidden").includes(column.name)
    if (wanted !== this.columns.some((one) => one.name === column.name)) this.takeColumns()
    else if (wanted) { this.fit(column); this.draw() }
  }
  read(column, place) {
    const sent = this.model.get(`_column_${place}`)
    const style = JSON.stringify(column.style)
    const old = this.readers.get(column.name)
    if (!sent) return
    if (old?.sent === sent && old.style === style) return
    this.readers.set(column.name, { ...reader(sent, column.style), sent, style, edition: sent.edition })
  }

  takeOrder() {
    const sent = this.model.get("_order")
    if (!sent) return
    this.edition = sent.edition
    this.all = sent.all
    this.order = array(Int32Array, sent.rows)
    this.scroller.setAttribute("aria-rowcount", String(this.order.length + 1))
    this.empty.textContent = this.all ? "No row passes the filter." : "No rows."
    this.empty.hidden = this.order.length > 0
    const jump = this.jump !== undefined && sent.jump !== this.jump
    this.jump = sent.jump
    this.stretch()
    this.showCount()
    this.move(jump ? 0 : this.top)
    const filter = this.model.get("filter")
    if (jump && this.filtered && !filter && this.place() >= 0) this.reveal(this.place()) // all rows: where was I?
    this.filtered = filter
    if (this.focusSeen === undefined) this.takeFocus()
  }
  takePicked() {
    const sent = this.model.get("_picked")
    if (!sent || (sent.view === this.id && sent.press < this.press)) return // older than what is picked here
    this.picked = new Set(array(Int32Array, sent.rows))
    this.showCount()
  }
  takeFocus() {
    const [edition, row] = this.model.get("_focus")
    if (this.edition !== undefined && edition !== this.edition) { this.draw(); return }
    const place = this.place()
    const inside = this.body.contains(document.activeElement)
    if (place >= 0 && row !== this.focusSeen) this.reveal(place)
    this.focusSeen = row
    this.draw()
    if (inside) this.focusRow()
  }
  showCount() {
    const whole = (number) => number.toLocaleString("en-GB")
    const { length } = this.order
    const rows = length === this.all ? `${whole(length)} rows` : `${whole(length)} of ${whole(this.all ?? 0)} rows`
    const text = this.picked.size ? `${rows}, ${whole(this.picked.size)} picked` : rows
    // Room for the longest, so that the bar does not wrap, and the rows do not jump, while a filter is typed.
    this.count.style.minWidth = `${`${whole(this.all ?? 0)} of ${whole(this.all ?? 0)} rows`.length * 0.92}ch`
    if (this.count.textContent !== text) this.count.textContent = text
  }

  // -- columns ------------------------------------------------------------------------------------------------------
  layout() {
    const { head, columns } = this
    const focused = head.contains(document.activeElement)
    this.headAt = Math.min(this.headAt, Math.max(columns.length - 1, 0))
    head.replaceChildren(...columns.map((column, at) => {
      const cell = make("div", `specanom-table-cell specanom-table-${column.kind}`, {
        role: "columnheader", "aria-colindex": String(at + 1), tabindex: at === this.headAt ? "0" : "-1", [SHUT]: "true" })
      cell.dataset.name = column.name
      cell.title = column.heading === column.name ? column.name : `${column.heading} (${column.name})`
      const text = make("span", "specanom-table-heading")
      text.textContent = visible(column.heading)
      cell.append(text, make("span", "specanom-table-arrow", { "aria-hidden": "true" }))
      return cell
    }))
    this.scroller.setAttribute("aria-colcount", String(columns.length))
    this.pool = []
    this.body.replaceChildren()
    this.widths = columns.map((column) => this.width(column))
    this.spread()
    this.showSort()
    if (this.measured) this.resized()
    if (focused) head.children[this.headAt]?.focus()
  }
  /** Width of the widest of some texts: numbers of all sizes, a sample of the others. */
  width(column) {
    const { text, count, values } = this.readers.get(column.name)
    const pen = (Table.pen ??= document.createElement("canvas").getContext("2d"))
    const look = getComputedStyle(this.scroller)
    this.measured = Boolean(look.fontSize) // not before the view is in the page
    const face = this.measured ? `${look.fontSize} ${look.fontFamily}` : "13px sans-serif"
    pen.font = face
    const zero = pen.measureText("0").width
    let widest = 0, longest = 0
    const measure = (row) => {
      const one = text(row)
      if (one.length < longest * 0.7) return
      longest = Math.max(longest, one.length)
      widest = Math.max(widest, values ? one.length * zero : pen.measureText(one).width)
    }
    const step = Math.max(1, Math.floor(count / 400))
    for (let row = 0; row < count; row += step) measure(row)
    if (values) {
      let low = -1, high = -1
      for (let row = 0; row < count; row++) {
        if (!(low >= 0) || values[row] < values[low]) low = row
        if (!(high >= 0) || values[row] > values[high]) high = row
      }
      if (low >= 0) { measure(low); measure(high) }
    }
    pen.font = `600 ${face}`
    return Math.ceil(Math.min(WIDEST, Math.max(widest + 22, pen.measureText(column.heading).width + 34, 48)))
  }
  fit(column) { // grows only, so that a column whose values change does not twitch
    const at = this.columns.indexOf(this.columns.find((one) => one.name === column.name))
    const wanted = this.width(column)
    if (wanted <= this.widths[at]) return
    this.widths[at] = wanted
    this.spread()
  }
  spread() {
    // Long text takes the room that is left.
    const long = this.widths.some((width) => width === WIDEST)
    const parts = this.widths.map((width) => width === WIDEST ? `minmax(${width}px, 1fr)` : `${width}px`)
    this.layer.style.setProperty("--columns", parts.join(" ") + (long ? " 0" : " 1fr"))
    const total = this.widths.reduce((sum, width) => sum + width, 0)
    this.spacer.style.minWidth = `${total}px`
  }
  showSort() {
    const [name, direction] = this.model.get("sort")
    for (const cell of this.head.children) {
      const mine = cell.dataset.name === name
      cell.setAttribute("aria-sort", mine ? direction : "none")
      cell.querySelector(".specanom-table-arrow").textContent = mine ? (direction === "ascending" ? "▲" : "▼") : ""
    }
  }
  sortBy(name) {
    const [old, direction] = this.model.get("sort")
    const column = this.columns.find((one) => one.name === name)
    const rising = column.kind === "text" || /(^|_)rank$/.test(name) // ranks begin with 1, other numbers with the largest
    const first = rising ? "ascending" : "descending"
    const other = direction === "ascending" ? "descending" : "ascending"
    this.headAt = this.columns.indexOf(column)
    this.set("sort", [name, old === name ? other : first])
    this.roveHead()
  }

  toggleMenu(open) {
    if (open) this.fillMenu()
    this.menu.hidden = !open
    this.chooser.setAttribute("aria-expanded", String(open))
    if (open) this.menu.querySelector("input")?.focus()
  }
  fillMenu() {
    const active = document.activeElement?.dataset?.name
    const hidden = this.model.get("hidden")
    this.menu.replaceChildren(...this.model.get("_columns").slice(1).map((column) => {
      const label = make("label")
      const box = make("input", "", { type: "checkbox", [SHUT]: "true" })
      box.dataset.name = column.name
      box.checked = !hidden.includes(column.name)
      box.addEventListener("change", () => {
        const others = this.model.get("hidden").filter((name) => name !== column.name)
        this.set("hidden", box.checked ? others : [...others, column.name])
      })
      label.append(box, document.createTextNode(column.heading))
      return label
    }))
    if (active) this.menu.querySelector(`[data-name="${CSS.escape(active)}"]`)?.focus()
  }
  menuKey(event) {
    const boxes = [...this.menu.querySelectorAll("input")]
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    event.stopPropagation()
    if (step) {
      event.preventDefault()
      boxes[(boxes.indexOf(document.activeElement) + step + boxes.length) % boxes.length]?.focus()
    } else if (event.key === "Escape") {
      this.toggleMenu(false)
      this.chooser.focus()
    }
  }

  // -- scrolling ----------------------------------------------------------------------------------------------------
  get room() { return Math.max(this.scroller.clientHeight - HEAD, 0) }
  get tall() { return this.order.length * ROW }
  /** Pixels of rows for one pixel of the scroll bar: 1 unless there are very many rows. */
  get scale() {
    const bar = Math.min(this.tall, TALLEST) - this.room
    return bar > 0 ? (this.tall - this.room) / bar : 1
  }
  stretch() { this.spacer.style.height = `${Math.min(this.tall, TALLEST) + HEAD}px` }
  resized() {
    if (!this.measured && this.columns.length && this.scroller.isConnected) return this.layout()
    const wanted = Math.ceil(this.room / ROW) + 1
    this.layer.style.height = `${this.scroller.clientHeight}px`
    if (wanted !== this.pool.length && this.columns.length && this.room > 0) this.fillPool(wanted)
    if (this.room > 0) this.move(this.top)
    this.draw()
  }
  fillPool(wanted) {
    const focused = this.body.contains(document.activeElement)
    this.pool = Array.from({ length: wanted }, () => {
      const row = make("div", "specanom-table-row", { role: "row", tabindex: "-1", [SHUT]: "true" })
      row.append(...this.columns.map((column, at) => make("div", `specanom-table-cell specanom-table-${column.kind}`, {
        role: at ? "gridcell" : "rowheader", "aria-colindex": String(at + 1) })))
      row.place = -1
      return row
    })
    this.body.replaceChildren(...this.pool)
    if (focused) this.scroller.focus({ preventScroll: true })
  }
  move(top) {
    this.top = Math.max(0, Math.min(top, this.tall - this.room))
    const bar = this.top / this.scale
    if (Math.abs(this.scroller.scrollTop - bar) > 0.5) this.scroller.scrollTop = bar
    this.setTo = this.scroller.scrollTop
    this.draw()
  }
  scrolled() {
    const bar = this.scroller.scrollTop
    if (Math.abs(bar - this.setTo) < 0.01) return
    this.setTo = bar
    this.top = Math.max(0, Math.min(bar * this.scale, this.tall - this.room))
    this.draw()
  }
  wheel(event) { // one notch of the wheel is as many rows in a long table as in a short one
    if (this.scale === 1 || event.ctrlKey || event.shiftKey || !event.deltaY) return
    const unit = [1, ROW, this.room][event.deltaMode]
    event.preventDefault()
    this.move(this.top + event.deltaY * unit)
  }
  reveal(place) {
    const above = place * ROW, below = above + ROW - Math.max(this.room, ROW) // no room: not laid out yet
    if (above < this.top) this.move(above)
    else if (below > this.top) this.move(below)
  }

  // -- rows ---------------------------------------------------------------------------------------------------------
  focusedRow() {
    const [edition, row] = this.model.get("_focus")
    return edition === this.edition ? row : -1
  }
  place() {
    const row = this.focusedRow()
    return row < 0 ? -1 : this.order.indexOf(row)
  }
  draw() {
    const { pool, order, top } = this
    if (!pool.length) return
    const first = Math.floor(top / ROW), focus = this.focusedRow()
    let stop = false
    for (let place = first; place < first + pool.length; place++) {
      const row = pool[place % pool.length]
      if (place >= order.length) {
        if (row === document.activeElement) this.scroller.focus({ preventScroll: true }) // hidden, it would lose the keys
        if (!row.hidden) row.hidden = true
        row.place = -1
        continue
      }
      if (row.place !== place && row === document.activeElement) this.scroller.focus({ preventScroll: true })
      row.hidden = false
      row.place = place
      row.style.transform = `translateY(${place * ROW - top}px)`
      stop = this.fill(row, order[place], focus) || stop
    }
    this.scroller.tabIndex = stop ? -1 : 0
  }
  fill(row, number, focus) {
    row.number = number
    const cells = row.children
    this.columns.forEach((column, at) => {
      const known = this.readers.get(column.name)
      const text = visible(known && known.edition === this.edition && number < known.count ? known.text(number) : "")
      const cell = cells[at]
      if (cell.textContent === text) return
      cell.textContent = text
      cell.classList.toggle("specanom-table-missing", text === "–")
      if (column.kind === "text") cell.title = text
    })
    const here = number === focus, picked = this.picked.has(number)
    row.setAttribute("aria-rowindex", String(row.place + 2))
    row.setAttribute("aria-selected", String(here || picked))
    row.classList.toggle("specanom-table-here", here)
    row.classList.toggle("specanom-table-picked", picked)
    row.tabIndex = here ? 0 : -1
    return here
  }
  focusRow() {
    const row = this.pool.find((one) => one.place >= 0 && one.number === this.focusedRow())
    ;(row ?? this.scroller).focus({ preventScroll: true })
  }
  enter() { // from the filter into the rows
    if (!this.order.length) return
    if (this.place() < 0) this.goTo(0)
    else { this.reveal(this.place()); this.focusRow() }
  }
  goTo(place, picking = false) {
    const target = Math.max(0, Math.min(place, this.order.length - 1))
    if (!this.order.length) return
    const number = this.order[target], before = this.focusedRow()
    if (picking) {
      if (this.anchor < 0 || this.order.indexOf(this.anchor) < 0) this.anchor = before >= 0 ? before : number
      this.pickRange(target)
    } else {
      this.anchor = number
      if (this.picked.size) this.pick([])
    }
    this.focusSeen = number
    if (number !== before) this.set("_focus", [this.edition, number])
    this.reveal(target)
    this.draw()
    this.focusRow()
  }

  pickRange(target) {
    const from = this.order.indexOf(this.anchor)
    this.pick(this.order.slice(Math.min(from, target), Math.max(from, target) + 1))
  }
  pick(rows) {
    this.picked = new Set(rows)
    const data = Int32Array.from(rows)
    this.press += 1
    this.model.send({ kind: "choose", edition: this.edition, view: this.id, press: this.press }, undefined, [data.buffer])
    this.showCount()
  }
  click(event) {
    const row = event.target.closest("[role=row]")
    if (!row || row.place < 0) return
    if (event.shiftKey) { this.goTo(row.place, true); return }
    if (!(event.ctrlKey || event.metaKey)) { this.goTo(row.place); return }
    const rows = new Set(this.picked), before = this.focusedRow()
    if (!rows.size && before >= 0) rows.add(before) // the row in focus is the first of several
    if (rows.has(row.number) && row.number !== before) rows.delete(row.number)
    else if (rows.has(row.number) && rows.size > 1) rows.delete(row.number)
    else rows.add(row.number)
    this.pick(rows)
    this.anchor = this.focusSeen = row.number
    if (row.number !== before) this.set("_focus", [this.edition, row.number])
    this.draw()
    this.focusRow()
  }

  // -- keys ---------------------------------------------------------------------------------------------------------
  key(event) {
    if (event.altKey) return
    const used = this.head.contains(event.target) ? this.headKey(event) : this.rowKey(event)
    if (!used) return
    event.preventDefault()
    event.stopPropagation()
  }
  roveHead() {
    ;[...this.head.children].forEach((cell, at) => { cell.tabIndex = at === this.headAt ? 0 : -1 })
    const cell = this.head.children[this.headAt]
    cell?.focus({ preventScroll: true })
    if (cell && this.headAt) { // into sight beside the first column, which stays
      const left = cell.offsetLeft - this.widths[0], right = cell.offsetLeft + cell.offsetWidth - this.scroller.clientWidth
      this.scroller.scrollLeft = Math.max(Math.min(this.scroller.scrollLeft, left), right)
    }
  }
  headKey(event) {
    const last = this.columns.length - 1
    const to = { ArrowLeft: this.headAt - 1, ArrowRight: this.headAt + 1, Home: 0, End: last }[event.key]
    if (to !== undefined) {
      this.headAt = Math.max(0, Math.min(to, last))
      this.roveHead()
    } else if (event.key === "Enter" || event.key === " ") this.sortBy(this.columns[this.headAt].name)
    else if (event.key === "ArrowDown") this.enter()
    else return false
    return true
  }
  rowKey(event) {
    const page = Math.max(1, Math.floor(this.room / ROW) - 1)
    const here = this.place(), many = event.ctrlKey || event.metaKey
    const near = here >= 0 ? here : Math.ceil(this.top / ROW) // without a row in focus: from what is in sight
    const to = {
      ArrowDown: here >= 0 ? here + 1 : near, ArrowUp: here >= 0 ? here - 1 : near, PageDown: near + page,
      PageUp: near - page, Home: 0, End: this.order.length - 1,
    }[event.key]
    if (to !== undefined) {
      if (event.key === "ArrowUp" && here === 0 && !event.shiftKey) this.roveHead()
      else this.goTo(to, event.shiftKey)
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.scroller.scrollLeft += event.key === "ArrowLeft" ? -80 : 80
    } else if (many && event.key.toLowerCase() === "a") {
      this.pick(this.order)
      this.draw()
    } else if (many && event.key.toLowerCase() === "c") return this.copy()
    else if (event.key === "Escape" && this.picked.size) { this.pick([]); this.draw() }
    else if (event.key === " " && here >= 0) this.toggle(this.order[here])
    else return false
    return true
  }
  toggle(number) {
    const rows = new Set(this.picked)
    if (!rows.delete(number)) rows.add(number)
    this.anchor = number
    this.pick(rows)
    this.draw()
  }
  copy() { // the picked rows, or the one in focus, for a spreadsheet
    if (String(getSelection())) return false
    const rows = this.picked.size ? [...this.order].filter((row) => this.picked.has(row)) : [this.focusedRow()]
    if (rows[0] < 0 || !rows.length) return false
    const safe = (text) => text.replace(/[\t\r\n]+/g, " ").replace(/^(?=[=@]|[+-](?![\d.]))/, "'") // no formulas
    const line = (texts) => texts.map(safe).join("\t")
    const lines = rows.map((row) => line(this.columns.map((one) => this.readers.get(one.name).text(row))))
    const text = [line(this.columns.map((one) => one.name)), ...lines].join("\n")
    navigator.clipboard?.writeText(text).catch(() => {})
    return true
  }
}

export function render({ model, el }) {
  const table = new Table(model, el)
  return () => table.end()
}
export default { render }
