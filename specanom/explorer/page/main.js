// The page: the table, the two maps and the card show one selection; every link, click and key changes it here.
import { render } from "./table.js"
import { Model } from "./model.js"
import { doubles, Rows } from "./rows.js"
import { Cards } from "./spectra.js"
import { Notes } from "./notes.js"
import { Card, make } from "./card.js"
import { Maps } from "./maps.js"
import { MARKS, Review } from "./review.js"

const TYPING = /^(INPUT|TEXTAREA|SELECT)$/
const HINT = "part of an id or a text, or z > 0.1 and snr < 20"
const find = (id) => document.getElementById(id)

class Explorer {
  constructor(sent) {
    this.sent = sent
    this.rows = new Rows(sent.table)
    this.notes = new Notes(sent)
    this.cards = new Cards(sent.cards.ids, sent.cards.size)
    this.row = -1
    this.id = null
    this.chosen = []
    this.theme = this.remembered()
    document.documentElement.dataset.theme = this.theme
    this.review = new Review({ sent, rows: this.rows, notes: this.notes, page: this })
    this.maps = new Maps({ sent, rows: this.rows, page: this, own: MARKS })
    this.makeTable()
    this.makeCard()
    this.listen()
    this.review.begin()
    this.fromHash() || this.select(this.order[0] ?? -1, { quiet: true })
    requestAnimationFrame(() => setTimeout(() => { performance.mark("table"); this.draw() }))
  }

  // -- the table ----------------------------------------------------------------------------------------------------
  makeTable() {
    const names = [...this.rows.columns.values()]
    const first = ["id", "mark"], ordered = [...first.map((name) => this.rows.columns.get(name)), ...names.filter((one) => !first.includes(one.name))]
    const columns = ordered.map(({ name, heading, kind, style }) => ({ name, heading, kind, style }))
    this.slots = new Map(ordered.map((one, at) => [one.name, `_column_${at}`]))
    const values = { _columns: columns, hidden: [...this.sent.table.hidden, ...MARKS.slice(1)], sort: this.sent.table.sort, filter: "", error: "",
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
    this.model.chosen = (rows) => { this.chosen = [...rows].map((row) => this.rows.ids[row]); this.showChosen() }
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
    this.maps.draw()
  }
  fit() { // the maps keep their room below the table
    const wide = matchMedia("(min-width: 1000px)").matches
    this.model.set("height", wide ? Math.max(220, window.innerHeight - 560) : 300)
  }
  /** A column of the review says something else. */
  changed(name) { this.model.set(this.slots.get(name), this.rows.columns.get(name).sent) }
  marked() {
    this.card.showNotes()
    if (/\bmark/i.test(this.model.get("filter")) || MARKS.includes(this.model.get("sort")[0])) this.arrange()
    if (this.maps.colouredBy(MARKS)) this.maps.draw()
  }
  showChosen() {
    const many = this.chosen.length > 1
    find("chosen").hidden = !many
    find("chosen").textContent = many ? `A word said now is said of all ${this.chosen.length} picked rows.` : ""
  }

  // -- one object ---------------------------------------------------------------------------------------------------
  makeCard() {
    const { wave, frame, lines, sky, bands, named, share, colours } = this.sent, { notes, review } = this
    const known = wave ? { wave: doubles(wave), frame, lines, sky, bands, named, share, colours } : null
    this.card = new Card({ element: find("card"), cards: this.cards, rows: this.rows, known, sent: wave ? {} : null, notes, review, ranked: this.ranked(),
      open: (id) => this.open(id) })
  }
  /** The column of ranks that a card tells: of the score by which the table is in order, where one is. */
  ranked() {
    const ranks = [...this.rows.columns.keys()].filter((name) => name.endsWith("_rank")), [sorted] = this.sent.table.sort
    return [sorted, "chi2_ivar_rank", "combined_rank", ...ranks].find((name) => ranks.includes(name)) ?? ""
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
    this.maps.mark(row)
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

  // -- the figures --------------------------------------------------------------------------------------------------
  async draw() {
    await new Promise((resolve, reject) => { // after the table is on the screen
      const script = make("script", { src: "bokeh.js", onload: resolve, onerror: () => reject(new Error("bokeh.js cannot be read")) })
      document.head.append(script)
    })
    performance.mark("bokeh")
    const by = (name) => Object.fromEntries(Object.entries(this.sent.figures).map(([theme, one]) => [theme, one[name]]))
    this.figures = true
    if (this.card.figure) {
      this.card.figure.sent = by("card")
      await this.card.figure.show(this.theme)
      performance.mark("card")
    }
    await this.maps.begin(by)
    performance.mark("maps")
    document.documentElement.dataset.ready = "true"
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
    if (!this.figures) return
    await this.card.figure?.show(this.theme)
    await this.maps.restyle()
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
    for (const name of ["glossary", "help"]) {
      find(`open-${name}`).addEventListener("click", () => { if (name === "glossary") this.glossary(); find(name).showModal() })
      find(name).addEventListener("click", (event) => { if (event.target === find(name)) find(name).close() })
    }
    for (const [name, by] of [["previous", -1], ["next", 1]]) find(name).addEventListener("click", () => this.step(by))
    document.addEventListener("keydown", (event) => this.key(event))
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return
    if (TYPING.test(event.target.tagName)) return
    const inGrid = event.target.closest?.("[role=grid]")
    const word = this.sent.words[Number(event.key) - 1]
    const actions = { j: () => this.step(1), k: () => this.step(-1), o: () => this.card.turn(), t: () => this.turnTheme(),
      "?": () => find("help").showModal(), "/": () => document.querySelector("#table input").focus() }
    for (const [letter, part] of Object.entries({ q: "quality", c: "spectype", z: "z", n: "note" })) actions[letter] = () => this.card.part(part).focus()
    for (const flag of Object.keys(this.sent.issues)) actions[flag] = () => this.card.flag(flag)
    if (!inGrid) Object.assign(actions, { ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1) })
    const action = word ? () => this.review.say(word) : Object.hasOwn(actions, event.key) ? actions[event.key] : null
    if (!action) return
    event.preventDefault()
    action()
  }
}

window.specanomExplorer = new Explorer(window.specanomCatalogue)
