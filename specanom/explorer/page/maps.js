// The two maps: which columns they show, in which colours, and what is clicked or brushed there.
import { MapFigure } from "./drawing.js"
import { doubles } from "./rows.js"
import { make } from "./card.js"

const MOST = 12 // groups that get a colour of their own
const find = (id) => document.getElementById(id)

export class Maps {
  /** `page` tells `order`, `row` and `theme`, and is told what to `select` and when rows are `arranged`; `own`: columns of the review. */
  constructor({ sent, rows, page, own }) {
    Object.assign(this, { sent, rows, page, own })
    find("brushed").addEventListener("click", () => this.brush(null))
    find("zoom-sky").addEventListener("click", () => this.zoomSky())
  }
  async begin(figures) {
    this.figures = [new MapFigure("sky", find("sky"), figures("sky")), new MapFigure("map", find("map"), figures("map"))]
    for (const map of this.figures) map.picked = (rows) => this.brushed(rows, map)
    this.choices()
    this.draw()
    for (const map of this.figures) await map.show(this.page.theme)
  }
  async restyle() {
    this.draw()
    for (const map of this.figures ?? []) await map.show(this.page.theme)
  }
  mark(row) { for (const map of this.figures ?? []) map.mark(row) }
  /** Whether the colours are those of one of some columns. */
  colouredBy(names) { return Boolean(this.figures) && names.includes(find("colour").value) }
  choices() {
    const numbers = [...this.rows.columns.values()].filter((one) => one.kind === "number").map((one) => one.name)
    const groups = ["mark", ...[...this.rows.columns.values()].filter((one) => one.kind !== "number" && one.name !== "id" && !this.own.includes(one.name) &&
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
    for (const one of ["x", "y", "colour"]) find(one).addEventListener("change", () => this.draw())
  }
  draw() {
    if (!this.figures) return
    const { sent, rows } = this, shown = new Set(this.page.order), colours = this.coloured()
    const { sky, map, axes } = sent.places
    this.places ??= { sky: sky ? sky.map(doubles) : null, map: map ? map.map(doubles) : null }
    const name = [find("x").value, find("y").value]
    const values = name.map((one, side) => (one ? rows.columns.get(one)?.values : this.places.map?.[side]))
    this.figures[0].put(this.points(this.places.sky, shown, colours), this.page.row)
    this.figures[1].put(this.points(values[0] && values[1] ? values : null, shown, colours), this.page.row, name.map((one, side) => one || axes[side]))
    const lost = sent.places.lost
    find("sky-note").textContent = lost ? `${lost.toLocaleString("en")} without a position ${lost === 1 ? "is" : "are"} not on the sky.` : ""
  }
  points(places, shown, colours) {
    const made = { x: [], y: [], row: [], id: [], told: [], color: [], alpha: [], size: [] }
    if (!places) return made
    const about = ["z", "snr", "ra", "dec"].filter((name) => this.rows.columns.has(name))
    const { faint } = this.sent.colours[this.page.theme]
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
    const column = this.rows.columns.get(find("colour").value), palette = this.sent.colours[this.page.theme], key = find("key")
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
    for (const other of this.figures) if (other !== map) other.unselect()
    if (rows.length === 1) {
      map.unselect()
      this.page.select(rows[0])
    } else if (rows.length) this.brush(new Set(rows))
  }
  brush(rows) {
    this.rows.brushed = rows
    const chip = find("brushed")
    chip.hidden = !rows
    if (rows) chip.firstElementChild.textContent = `${rows.size.toLocaleString("en")} brushed on a map`
    else for (const map of this.figures ?? []) map.unselect()
    this.page.arranged()
  }
  zoomSky() {
    const map = this.figures?.[0], button = find("zoom-sky")
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
}
