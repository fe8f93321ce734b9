// The page: the table, the two maps and the card show one selection; every link, click and key changes it here.
import { render } from "./table.js"
import { Model } from "./model.js"
import { doubles, Rows, textColumn } from "./rows.js"
import { Cards } from "./spectra.js"
import { Notes } from "./notes.js"
import { MapFigure } from "./drawing.js"
import { Card, make } from "./card.js"

const MARKS = ["mark", "mark_quality", "mark_note"]
const TYPING = /^(INPUT|TEXTAREA|SELECT)$/
const HINT = "part of an id or a text, or z > 0.1 and snr < 20"
const MOST = 12 // groups that get a colour of their own

const find = (id) => document.getElementById(id)

class Explorer {
  constructor(sent) {
    this.sent = sent
    this.rows = new Rows(sent.table)
    this.notes = new Notes(sent.key, sent.words)
    this.cards = new Cards(sent.cards.ids, sent.cards.size)
    this.row = -1
    this.id = null
    this.chosen = []
    this.theme = this.remembered()
    document.documentElement.dataset.theme = this.theme
    for (const name of MARKS) this.rows.add({ name, heading: name, kind: "text", style: null, sent: textColumn(this.said(name)),
      description: { mark: "What you said here: a word", mark_quality: "Quality you gave here, 0 to 4", mark_note: "Your note" }[name], unit: "" })
    this.makeTable()
    this.makeCard()
    this.listen()
    this.notes.changed = () => this.marked()
    this.marked(true)
    this.fromHash() || this.select(this.order[0] ?? -1, { quiet: true })
    requestAnimationFrame(() => setTimeout(() => { performance.mark("table"); this.draw() }))
  }

  // -- the table ----------------------------------------------------------------------------------------------------
  makeTable() {
    const names = [...this.rows.columns.values()]
    const first = ["id", "mark"], ordered = [...first.map((name) => this.rows.columns.get(name)), ...names.filter((one) => !first.includes(one.name))]
    const columns = ordered.map(({ name, heading, kind, style }) => ({ name, heading, kind, style }))
    this.slots = new Map(ordered.map((one, at) => [one.name, `_column_${at}`]))
    const values = { _columns: columns, hidden: [...this.sent.table.hidden, "mark_quality", "mark_note"], sort: this.sent.table.sort, filter: "", error: "",
      height: 360, label: "Catalogue", hint: HINT, _focus: [1, -1], _picked: null, _order: null }
    this.model = new Model(values)
    this.model.on("change:hidden", () => this.uncover())
    this.uncover()
    this.jump = 0
    this.arrange()
    render({ model: this.model, el: find("table") })
    this.model.on("change:filter", () => this.arranged())
    this.model.on("change:sort", () => this.arranged())
    this.model.on("change:_focus", () => this.select(this.model.get("_focus")[1]))
    this.model.chosen = (rows) => { this.chosen = [...rows]; this.showChosen() }
    this.fit()
  }
  /** Hand the table the columns it shows; the others stay packed. */
  uncover() {
    const hidden = new Set(this.model.get("hidden"))
    for (const [name, slot] of this.slots) if (!hidden.has(name) && !this.model.get(slot)) this.model.set(slot, this.rows.columns.get(name).sent)
  }
  get order() { return this.model.get("_order").rows }
  arrange() {
    const before = this.model.get("_order")?.rows ?? Int32Array.from({ length: this.rows.count }, (_, row) => row)
    const { rows, error } = this.rows.arrange(this.model.get("sort"), this.model.get("filter"), before)
    this.model.set("error", error)
    this.model.set("_order", { edition: 1, all: this.rows.count, rows, jump: this.jump })
  }
  arranged() {
    this.jump += 1
    this.arrange()
    this.drawMaps()
  }
  fit() { // the maps keep their room below the table
    const wide = matchMedia("(min-width: 1000px)").matches
    this.model.set("height", wide ? Math.max(220, window.innerHeight - 560) : 300)
  }
  said(name) {
    return this.rows.ids.map((id) => {
      const { word, quality, note } = this.notes.of(id)
      return { mark: word, mark_quality: quality === null ? "" : String(quality), mark_note: note }[name]
    })
  }
  marked(first = false) {
    for (const name of MARKS) {
      const { heading, kind, style, description, unit } = this.rows.columns.get(name)
      this.rows.add({ name, heading, kind, style, description, unit, sent: textColumn(this.said(name)) })
      this.model.set(this.slots.get(name), this.rows.columns.get(name).sent)
    }
    const { count, kept } = this.notes
    find("notes-count").textContent = count ? `${count.toLocaleString("en")} ${count === 1 ? "object" : "objects"} reviewed` : "nothing reviewed yet"
    find("notes-kept").hidden = kept
    find("export").disabled = !this.notes.said.length
    if (this.id !== null) this.card.showNotes()
    if (!first && (/\bmark/i.test(this.model.get("filter")) || MARKS.includes(this.model.get("sort")[0]))) this.arrange()
    if (!first && MARKS.includes(find("colour").value)) this.drawMaps()
  }
  showChosen() {
    const many = this.chosen.length > 1
    find("chosen").hidden = !many
    find("chosen").textContent = many ? `A word said now is said of all ${this.chosen.length} picked rows.` : ""
  }

  // -- one object ---------------------------------------------------------------------------------------------------
  makeCard() {
    const { wave, frame, lines, sky, bands, named, share, colours } = this.sent
    const known = wave ? { wave: doubles(wave), frame, lines, sky, bands, named, share, colours } : null
    this.card = new Card({ element: find("card"), cards: this.cards, rows: this.rows, known, sent: wave ? {} : null, notes: this.notes,
      words: this.sent.words, qualities: this.sent.qualities, open: (id) => this.open(id) })
  }
  select(row, { quiet = false } = {}) {
    if (row < 0 || row === this.row) return
    this.show(this.rows.ids[row], row, quiet)
  }
  open(id) {
    const row = this.rows.places.get(id) ?? -1
    if (row < 0 && !this.cards.has(id)) return false
    this.show(id, row, false)
    return true
  }
  show(id, row, quiet) {
    this.id = id
    this.row = row
    this.model.set("_focus", [1, row])
    if (!quiet) history.replaceState(null, "", `#${encodeURIComponent(id)}`)
    for (const map of this.maps ?? []) map.mark(row)
    return this.card.show(id, row, this.theme)
  }
  fromHash() {
    let id = location.hash.slice(1)
    try { id = decodeURIComponent(id) } catch { /* a lone % is part of an id */ }
    if (!id) return false
    if (this.open(id)) return true
    find("lost").textContent = `No object here is called ${id}.`
    find("lost").hidden = false
    return false
  }
  step(by) {
    const { order } = this
    if (!order.length) return
    const here = order.indexOf(this.row)
    const to = here < 0 ? 0 : Math.max(0, Math.min(here + by, order.length - 1))
    this.model.set("_focus", [1, order[to]])
  }

  // -- the maps -----------------------------------------------------------------------------------------------------
  async draw() {
    await new Promise((resolve, reject) => { // after the table is on the screen
      const script = make("script", { src: "bokeh.js", onload: resolve, onerror: () => reject(new Error("bokeh.js cannot be read")) })
      document.head.append(script)
    })
    performance.mark("bokeh")
    const { figures } = this.sent
    const by = (name) => Object.fromEntries(Object.entries(figures).map(([theme, one]) => [theme, one[name]]))
    this.maps = [new MapFigure("sky", find("sky"), by("sky")), new MapFigure("map", find("map"), by("map"))]
    for (const map of this.maps) map.picked = (rows) => this.brushed(rows, map)
    this.choices()
    if (this.card.figure) {
      this.card.figure.sent = by("card")
      await this.card.figure.show(this.theme)
      performance.mark("card")
    }
    this.drawMaps()
    for (const map of this.maps) await map.show(this.theme)
    performance.mark("maps")
    document.documentElement.dataset.ready = "true"
  }
  choices() {
    const numbers = [...this.rows.columns.values()].filter((one) => one.kind === "number").map((one) => one.name)
    const groups = ["mark", ...[...this.rows.columns.values()].filter((one) => one.kind !== "number" && one.name !== "id" && !MARKS.includes(one.name) &&
      new Set(Array.from({ length: this.rows.count }, (_, row) => one.at(row))).size <= 2 * MOST).map((one) => one.name)]
    const option = (name) => make("option", { value: name }, name)
    const places = this.sent.places.map ? [make("option", { value: "" }, this.sent.places.axes[0])] : []
    const places2 = this.sent.places.map ? [make("option", { value: "" }, this.sent.places.axes[1])] : []
    find("x").replaceChildren(...places, ...numbers.map(option))
    find("y").replaceChildren(...places2, ...numbers.map(option))
    if (!this.sent.places.map) {
      const first = (...names) => names.find((name) => numbers.includes(name)) ?? numbers[0] ?? ""
      find("x").value = first("z", "snr")
      find("y").value = first("chi2_ivar_cal", "score", "snr")
    }
    const colour = find("colour")
    colour.replaceChildren(make("optgroup", { label: "numbers" }, ...numbers.map(option)), make("optgroup", { label: "groups" }, ...groups.map(option)))
    colour.value = ["percentile", "chi2_ivar_cal", "score", "snr"].find((name) => numbers.includes(name)) ?? groups[0]
    for (const one of ["x", "y", "colour"]) find(one).addEventListener("change", () => this.drawMaps(one !== "colour"))
  }
  drawMaps() {
    if (!this.maps) return
    const { sent, rows } = this, shown = new Set(this.order), colours = this.coloured()
    const { sky, map, axes } = sent.places
    this.places ??= { sky: sky ? sky.map(doubles) : null, map: map ? map.map(doubles) : null }
    const name = [find("x").value, find("y").value]
    const values = name.map((one, side) => (one ? rows.columns.get(one)?.values : this.places.map?.[side]))
    this.maps[0].put(this.points(this.places.sky, shown, colours), this.row)
    this.maps[1].put(this.points(values[0] && values[1] ? values : null, shown, colours), this.row, name.map((one, side) => one || axes[side]))
    const lost = sent.places.lost
    find("sky-note").textContent = lost ? `${lost.toLocaleString("en")} without a position ${lost === 1 ? "is" : "are"} not on the sky.` : ""
  }
  points(places, shown, colours) {
    const made = { x: [], y: [], row: [], id: [], told: [], color: [], alpha: [], size: [] }
    if (!places) return made
    const about = ["z", "snr", "ra", "dec"].filter((name) => this.rows.columns.has(name))
    const { faint } = this.sent.colours[this.theme]
    const order = Array.from({ length: this.rows.count }, (_, row) => row).sort((a, b) =>
      shown.has(a) - shown.has(b) || (colours[a] !== faint) - (colours[b] !== faint)) // what passes, and what is named, lies above
    for (const row of order) {
      const x = places[0][row], y = places[1][row]
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue
      const passes = shown.has(row)
      made.x.push(x); made.y.push(y); made.row.push(row); made.id.push(this.rows.ids[row])
      made.told.push(about.map((name) => `${name === "snr" ? "S/N" : name} ${this.rows.told(name, row)}`).join(" · "))
      made.color.push(colours[row]); made.alpha.push(passes ? 0.85 : 0.12); made.size.push(passes ? 5.5 : 4)
    }
    return made
  }
  coloured() {
    const column = this.rows.columns.get(find("colour").value), palette = this.sent.colours[this.theme], key = find("key")
    if (!column) return new Array(this.rows.count).fill(palette.blue)
    if (column.kind === "number") {
      const sorted = Array.from(column.values).filter(Number.isFinite).sort((a, b) => a - b)
      const low = sorted[Math.floor(0.02 * (sorted.length - 1))] ?? 0, high = sorted[Math.ceil(0.98 * (sorted.length - 1))] ?? 1
      const bar = make("i", { class: "scale", "aria-hidden": "true" })
      bar.style.background = `linear-gradient(to right, ${palette.scale.join(",")})`
      key.replaceChildren(make("span", {}, Number(low.toPrecision(3)).toString()), bar, make("span", {}, Number(high.toPrecision(3)).toString()))
      const last = palette.scale.length - 1
      return Array.from(column.values, (one) => Number.isFinite(one) ? palette.scale[Math.max(0, Math.min(last, Math.round(((one - low) / (high - low || 1)) * last)))] : palette.faint)
    }
    const texts = Array.from({ length: this.rows.count }, (_, row) => String(column.at(row))), counts = new Map()
    for (const one of texts) counts.set(one, (counts.get(one) ?? 0) + 1)
    const groups = [...counts.keys()].filter((one) => one !== "").sort((a, b) => counts.get(b) - counts.get(a)).slice(0, MOST)
    const colourOf = new Map(groups.map((one, at) => [one, palette.categories[at]]))
    key.replaceChildren(...groups.map((one) => {
      const dot = make("i", { class: "dot", "aria-hidden": "true" })
      dot.style.background = colourOf.get(one)
      return make("span", {}, dot, `${one} ${counts.get(one).toLocaleString("en")}`)
    }), ...(groups.length ? [] : [make("span", {}, "no words yet")]))
    return texts.map((one) => colourOf.get(one) ?? palette.faint)
  }
  brushed(rows, map) {
    for (const other of this.maps) if (other !== map) other.unselect()
    if (rows.length === 1) {
      map.unselect()
      this.select(rows[0])
    } else if (rows.length) this.brush(new Set(rows))
  }
  brush(rows) {
    this.rows.brushed = rows
    const chip = find("brushed")
    chip.hidden = !rows
    if (rows) chip.firstElementChild.textContent = `${rows.size.toLocaleString("en")} brushed on a map`
    else for (const map of this.maps ?? []) map.unselect()
    this.arranged()
  }
  zoomSky() {
    const map = this.maps?.[0], button = find("zoom-sky")
    if (!map?.ready || !map.data.x.length) return
    const close = button.getAttribute("aria-pressed") !== "true"
    button.setAttribute("aria-pressed", String(close))
    if (!close) { map.level([-2.06, 2.06, -1.06, 1.06]); return }
    const passing = map.data.row.map((_, at) => at).filter((at) => map.data.alpha[at] > 0.5)
    const use = passing.length ? passing : map.data.row.map((_, at) => at)
    const ends = (values) => { const all = use.map((at) => values[at]).sort((a, b) => a - b); return [all[0], all.at(-1)] }
    const [x0, x1] = ends(map.data.x), [y0, y1] = ends(map.data.y), room = 0.06 * Math.max(x1 - x0, y1 - y0) || 0.01
    map.level([x0 - room, x1 + room, y0 - room, y1 + room])
  }

  // -- notes as files -----------------------------------------------------------------------------------------------
  exported() {
    this.card.finish()
    const link = make("a", { href: URL.createObjectURL(this.notes.file()), download: "labels.jsonl" })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  }
  async imported(file) {
    const { fresh, torn } = this.notes.merge(await file.text())
    find("told").textContent = `${fresh.toLocaleString("en")} new ${fresh === 1 ? "line" : "lines"} from ${file.name}` + (torn ? `; ${torn} cannot be read` : "")
  }

  // -- the page -----------------------------------------------------------------------------------------------------
  remembered() {
    let kept = null
    try { kept = localStorage.getItem("specanom explorer theme") } catch { /* then the system decides */ }
    return kept === "dark" || kept === "light" ? kept : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"
  }
  async turnTheme() {
    this.theme = this.theme === "dark" ? "light" : "dark"
    document.documentElement.dataset.theme = this.theme
    try { localStorage.setItem("specanom explorer theme", this.theme) } catch { /* not kept */ }
    this.card.restyle(this.theme)
    if (!this.maps) return
    this.drawMaps()
    for (const one of [this.card.figure, ...this.maps]) await one?.show(this.theme)
  }
  glossary() {
    const rows = [...this.rows.columns.values()].map((one) => [one.name, one.unit, one.description])
    const line = ([name, unit, meaning]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, unit || "–"), make("td", {}, meaning || "–"))
    find("glossary-columns").replaceChildren(...rows.map(line))
    find("glossary-terms").replaceChildren(...this.sent.terms.flatMap(([word, meaning]) => [make("dt", {}, word), make("dd", {}, meaning)]))
  }
  /** Boxes with what the pointer tells are put beside the figures, out of reach of the styles of the page. */
  watchTold() {
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const box of addedNodes) {
        if (!box.classList?.contains("bk-Tooltip") || !box.shadowRoot) continue
        const names = document.createElement("style")
        names.textContent = ".bk-tooltip-row-label { color: var(--muted) }"
        box.shadowRoot.append(names)
      }
    }).observe(document.documentElement, { childList: true, subtree: true })
  }
  listen() {
    this.watchTold()
    window.addEventListener("hashchange", () => this.fromHash())
    window.addEventListener("resize", () => this.fit())
    window.addEventListener("pagehide", () => this.card.finish())
    find("theme").addEventListener("click", () => this.turnTheme())
    find("export").addEventListener("click", () => this.exported())
    find("import").addEventListener("click", () => find("import-file").click())
    find("import-file").addEventListener("change", async (event) => {
      const [file] = event.target.files
      if (file) await this.imported(file)
      event.target.value = ""
    })
    find("brushed").addEventListener("click", () => this.brush(null))
    find("zoom-sky").addEventListener("click", () => this.zoomSky())
    find("author").value = this.notes.author
    find("author").addEventListener("change", (event) => this.notes.setAuthor(event.target.value.trim()))
    for (const name of ["glossary", "help"]) {
      find(`open-${name}`).addEventListener("click", () => { if (name === "glossary") this.glossary(); find(name).showModal() })
      find(name).addEventListener("click", (event) => { if (event.target === find(name)) find(name).close() })
    }
    for (const [name, by] of [["previous", -1], ["next", 1]]) find(name).addEventListener("click", () => this.step(by))
    document.addEventListener("keydown", (event) => this.key(event))
  }
  say(word) {
    if (this.id === null) return
    if (this.chosen.length > 1) { for (const row of this.chosen) this.notes.say(this.rows.ids[row], { word }) }
    else this.card.say({ word: this.notes.of(this.id).word === word ? "" : word })
    this.card.tell(this.notes.of(this.id).word ? `Said: ${this.notes.of(this.id).word}.` : "Taken back.")
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return
    if (TYPING.test(event.target.tagName)) return
    const inGrid = event.target.closest?.("[role=grid]")
    const word = this.sent.words[Number(event.key) - 1]
    const actions = { j: () => this.step(1), k: () => this.step(-1), o: () => this.card.turn(), t: () => this.turnTheme(),
      "?": () => find("help").showModal(), "/": () => document.querySelector("#table input").focus(),
      n: () => this.card.part("note").focus(), q: () => this.card.part("quality").focus() }
    if (!inGrid) Object.assign(actions, { ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1) })
    const action = word ? () => this.say(word) : Object.hasOwn(actions, event.key) ? actions[event.key] : null
    if (!action) return
    event.preventDefault()
    action()
  }
}

window.specanomExplorer = new Explorer(window.specanomCatalogue)
