// The figures: bokeh's, made beforehand without data; their sources are filled here. One set for each theme.
import { relayout } from "./relayout.js"

const ROWS = 3, ROW = 14

/** Where each theme's figures are and what fills them. */
export class Figure {
  constructor(name, element, sent) {
    this.name = name
    this.element = element
    this.sent = sent // theme → JSON
    this.refill = () => {}
    this.waiting = Promise.resolve()
  }
  /** Draw the figure in the colours of a theme, and fill it again. */
  show(theme) {
    this.waiting = this.waiting.then(async () => {
      if (this.document) { this.views?.clear?.(); this.document.clear() }
      this.element.replaceChildren()
      const before = new Set(window.Bokeh.documents)
      this.views = await window.Bokeh.embed.embed_item(structuredClone(this.sent[theme]), this.element)
      this.document = window.Bokeh.documents.find((one) => !before.has(one))
      this.connect?.()
      await this.refill()
    })
    return this.waiting
  }
  get ready() { return Boolean(this.document) }
  model(name) { return this.document.get_model_by_name(name) }
  fill(name, data) { this.model(name).data = data }
}

// -- a spectrum ---------------------------------------------------------------------------------------------------------

/** Which lines, bands and names lie where on an axis: `stretch` is 1, or 1 + z, from the rest frame to the axis. */
function nameLines(rest, observed, known) {
  const line = new Array(rest.length), sky = new Array(rest.length)
  const nearest = (list, wave, reach) => {
    let low = 0, high = list.length - 1
    while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid].wave <= wave) low = mid; else high = mid }
    const one = Math.abs(list[low].wave - wave) <= Math.abs(list[high].wave - wave) ? list[low] : list[high]
    return Math.abs(one.wave - wave) <= reach ? one.name : ""
  }
  for (let i = 0; i < rest.length; i++) {
    line[i] = (rest[i] > 0 && nearest(known.lines, rest[i], 12)) || "–"
    sky[i] = (observed[i] > 0 && (nearest(known.sky, observed[i], 8) ||
      known.bands.find((one) => observed[i] >= one.lo && observed[i] <= one.hi)?.name)) || "–"
  }
  return { line, sky }
}
function spans(flags, wanted, edges) {
  const x0 = [], x1 = []
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] !== wanted) continue
    let end = i
    while (end + 1 < flags.length && flags[end + 1] === wanted) end += 1
    x0.push(edges[i]); x1.push(edges[end + 1]); i = end
  }
  return { x0, x1 }
}
function edgesOf(x) {
  const n = x.length, made = new Float64Array(n + 1)
  for (let i = 1; i < n; i++) made[i] = (x[i - 1] + x[i]) / 2
  made[0] = n > 1 ? 2 * x[0] - made[1] : x[0] - 0.5
  made[n] = n > 1 ? 2 * x[n - 1] - made[n - 1] : x[0] + 0.5
  return made
}

export class SpectrumFigure extends Figure {
  constructor(element, sent, known) {
    super("card", element, sent)
    this.known = known // wave, frame, lines, sky, bands, share, colours by theme
    this.shown = null
    this.refill = () => this.draw()
  }
  connect() {
    const range = this.model("wavelengths"), top = this.model("flux panel"), lines = this.model("lines")
    const again = () => { if (lines.data.x.length) relayout(lines, range, top, ROWS, ROW) }
    for (const change of [range.properties.start.change, range.properties.end.change, top.properties.inner_width.change]) change.connect(again)
    this.again = again
    this.named = [...this.model("legend").items]
  }
  /** Show a spectrum: planes, what was sent with it, redshift, frame, explanation, theme; null shows none. */
  put(shown) {
    this.shown = shown
    return this.ready ? this.draw() : undefined
  }
  draw() {
    const { shown, known } = this
    if (!shown) return
    const { planes, sent, z, frame } = shown
    const linked = z !== null && z > -1, stretch = linked ? 1 + z : NaN
    const toRest = known.frame === "rest" ? 1 : 1 / stretch, toSeen = known.frame === "rest" ? stretch : 1
    const rest = known.wave.map((one) => one * toRest), observed = known.wave.map((one) => one * toSeen)
    const x = frame === "rest" ? rest : observed, edges = edgesOf(x), n = x.length
    const y = planes.f.map((one, i) => (planes.g[i] ? NaN : one))
    const none = new Float32Array(n).fill(NaN), sigma = planes.s ?? none, model = planes.m ?? none
    const residual = planes.m ? y.map((one, i) => one - model[i]) : none
    const band = planes.m ? [none, none] : [y.map((one, i) => one - sigma[i]), y.map((one, i) => one + sigma[i])]
    this.fill("pixels", { x, y, sigma, low: band[0], high: band[1], below: sigma.map((one) => -one), reconstruction: model, residual,
      rest, observed, ...nameLines(rest, observed, known) })
    const own = frame === known.frame ? 1 : known.frame === "rest" ? stretch : 1 / stretch
    this.fill("masked", spans(planes.g, 1, edges))
    this.fill("imputed", spans(planes.g, 2, edges))
    this.ranges(x, edges, sent, frame, own)
    this.has = { reconstruction: Boolean(planes.m), "±1σ noise": !planes.m && Boolean(planes.s), masked: planes.g.includes(1), imputed: planes.g.includes(2) }
    this.overlay(shown, linked ? (frame === "rest" ? 1 : stretch) : NaN, linked || frame === "observed" ? (frame === "rest" ? 1 / stretch : 1) : NaN)
  }
  /** Name in the legend what this spectrum has; at one stroke, for each change lays all panels out anew. */
  legend() {
    const items = this.named.filter((item) => this.has[item.label.value] ?? true), legend = this.model("legend")
    if (items.length !== legend.items.length || items.some((item, at) => item !== legend.items[at])) legend.items = items
  }
  ranges(x, edges, sent, frame, own) {
    const range = this.model("wavelengths"), start = edges[0], end = edges.at(-1)
    range.setv({ start, end, reset_start: start, reset_end: end, bounds: "auto" })
    const [lo, hi] = sent.limits, top = lo + (hi - lo) / (1 - this.known.share)
    const flux = this.model("flux panel")
    flux.y_range.setv({ start: lo, end: top, reset_start: lo, reset_end: top })
    for (const one of [...flux.left, ...flux.center]) if ("bounds" in one.properties && one.dimension !== 0) one.bounds = [lo, hi]
    const reach = sent.reach ?? 1
    this.model("residual panel").y_range.setv({ start: -reach, end: reach, reset_start: -reach, reset_end: reach })
    this.model("legend").ncols = this.element.clientWidth < 560 ? 3 : "auto"
    this.model("residual panel").visible = sent.parts.includes("m")
    const [at, edge, value] = sent.clipped, inset = 0.02 * (hi - lo)
    this.fill("clipped", { x: at.map((one) => one * own), value, y: edge.map((one) => (one > (lo + hi) / 2 ? one - inset : one + inset)),
      angle: edge.map((one) => (one > (lo + hi) / 2 ? 0 : Math.PI)) })
    const panels = [this.model("flux panel"), this.model("residual panel"), this.model("weights panel")]
    const explained = Boolean(this.shown.explanation)
    panels[2].visible = explained
    const last = explained ? 2 : sent.parts.includes("m") ? 1 : 0
    panels.forEach((panel, place) => {
      for (const axis of panel.below) axis.setv({ axis_label: place === last ? `vacuum wavelength (Å), ${frame} frame` : "",
        major_label_text_alpha: place === last ? 1 : 0, major_label_text_font_size: place === last ? "12px" : "1px" })
    })
  }
  overlay({ explanation, theme }, fromRest, fromSeen) {
    const colours = this.known.colours[theme], range = this.model("wavelengths")
    const inside = (one) => one >= range.start && one <= range.end
    const kinds = { emission: colours.blue, uv: colours.ultraviolet, absorption: colours.absorption }
    const lines = this.known.named.filter((one) => inside(one.wave * fromRest))
    this.fill("lines", { x: lines.map((one) => one.wave * fromRest), label: lines.map((one) => one.label), color: lines.map((one) => kinds[one.kind]),
      row: lines.map(() => 0), shift: lines.map(() => 0), alpha: lines.map(() => 0) })
    this.again()
    const bands = this.known.bands.filter((one) => one.drawn && inside(one.lo * fromSeen) | inside(one.hi * fromSeen))
    this.has.sky = bands.length > 0
    this.legend()
    this.fill("sky", { x0: bands.map((one) => one.lo * fromSeen), x1: bands.map((one) => one.hi * fromSeen) })
    if (!explanation) { this.fill("tint", { x0: [], x1: [], color: [], alpha: [] }); return }
    const scale = explanation.frame === "rest" ? fromRest : fromSeen
    const left = explanation.left.map((one) => one * scale), right = explanation.right.map((one) => one * scale)
    const pick = (values) => explanation.segment.map((k) => values[k] ?? NaN)
    const weight = pick(explanation.weights), low = pick(explanation.low), high = pick(explanation.high)
    const color = weight.map((one) => (one >= 0 ? colours.vermilion : colours.blue))
    const most = Math.max(...weight.map((one) => Math.abs(one) || 0)) || 1
    this.fill("tint", { x0: left, x1: right, color, alpha: weight.map((one) => (0.5 * Math.abs(one || 0)) / most) })
    this.fill("weights", { left, right, middle: left.map((one, i) => (one + right[i]) / 2), weight, low, high, color,
      name: explanation.segment.map((k) => explanation.names[k]) })
    const all = [...weight, ...low, ...high].filter(Number.isFinite)
    const down = Math.max(0, -Math.min(0, ...all)), up = Math.max(0, ...all), room = 0.08 * (down + up) || 1
    this.model("weights panel").y_range.setv({ start: -down - room, end: up + room, reset_start: -down - room, reset_end: up + room })
  }
}

// -- maps ---------------------------------------------------------------------------------------------------------------

export class MapFigure extends Figure {
  constructor(name, element, sent) {
    super(name, element, sent)
    this.data = null
    this.picked = () => {} // rows that were clicked or brushed
    this.refill = () => this.draw()
  }
  connect() {
    const { selected } = this.source()
    selected.properties.indices.change.connect(() => {
      if (this.quiet) return
      this.picked(selected.indices.map((at) => this.data.row[at]))
    })
    if (this.name !== "sky") return
    const { plot } = this, again = () => this.level()
    for (const change of [plot.properties.inner_width.change, plot.properties.inner_height.change]) change.connect(again)
    again()
  }
  /** Show a window of the sky, or all of it, with equal scales on both axes. */
  level(window = this.window ?? [-2.06, 2.06, -1.06, 1.06]) {
    this.window = window
    const { plot } = this, shape = (plot.inner_width || 1) / (plot.inner_height || 1)
    const [x0, x1, y0, y1] = window, wide = Math.max(x1 - x0, (y1 - y0) * shape) / 2, high = wide / shape
    const x = (x0 + x1) / 2, y = (y0 + y1) / 2
    for (const [range, middle, half] of [[plot.x_range, x, wide], [plot.y_range, y, high]])
      range.setv({ start: middle - half, end: middle + half, reset_start: middle - half, reset_end: middle + half })
  }
  source() { return this.model("points") }
  get plot() { return this.document.roots()[0] }
  put(data, here, axes) {
    this.data = data
    this.here = here
    this.axes = axes
    if (this.ready) this.draw()
  }
  draw() {
    if (!this.data) return
    this.unselect()
    this.source().data = this.data
    this.mark(this.here)
    if (this.axes) {
      for (const axis of this.plot.below) axis.axis_label = this.axes[0]
      for (const axis of this.plot.left) axis.axis_label = this.axes[1]
    }
  }
  /** Ring the row in focus. */
  mark(row) {
    this.here = row
    if (!this.ready || !this.data) return
    const at = this.data.row.indexOf(row)
    this.fill("here", at < 0 ? { x: [], y: [] } : { x: [this.data.x[at]], y: [this.data.y[at]] })
  }
  unselect() {
    if (!this.ready) return
    this.quiet = true
    const { selected } = this.source()
    if (selected.indices.length) selected.indices = []
    this.quiet = false
  }
}

// -- small pictures -----------------------------------------------------------------------------------------------------

/** Draw a spectrum so small that only its shape is told; peaks stay: each column is drawn from its lowest to its highest pixel. */
export function thumbnail(canvas, planes, limits, colours) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth || 150, height = canvas.clientHeight || 48
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext("2d"), [lo, hi] = limits
  pen.scale(ratio, ratio)
  const place = (value) => Math.max(1, Math.min(height - 1, height - 2 - ((value - lo) / (hi - lo)) * (height - 4)))
  const stroke = (values, colour, thick, skip) => {
    pen.strokeStyle = colour
    pen.lineWidth = thick
    pen.beginPath()
    let down = false
    for (let column = 0; column < width; column++) {
      const from = Math.floor((column / width) * values.length), to = Math.max(from + 1, Math.floor(((column + 1) / width) * values.length))
      let low = Infinity, high = -Infinity
      for (let i = from; i < to; i++) if (!(skip?.[i]) && values[i] === values[i]) { low = Math.min(low, values[i]); high = Math.max(high, values[i]) }
      if (low > high) { down = false; continue }
      if (down) pen.lineTo(column + 0.5, place(high)); else pen.moveTo(column + 0.5, place(high))
      pen.lineTo(column + 0.5, place(low))
      down = true
    }
    pen.stroke()
  }
  if (planes.m) stroke(planes.m, colours.vermilion, 1.4)
  stroke(planes.f, colours.flux, 0.9, planes.g)
}
