// The card of one object. Whatever comes from data is text: nothing here is ever read as HTML.
import { SpectrumFigure, thumbnail } from "./drawing.js"
import { unpacked } from "./spectra.js"
import { redshift } from "./notes.js"
import { visible } from "./table.js"

const FACTS = ["z", "snr", "class", "subclass", "zwarning", "deltachi2", "tier", "rank", "rank_before", "percentile", "cluster", "artefact", "z_second", "vote", "kin_far", "verdict", "label"]
const ALWAYS = ["z", "snr", "class", "tier"] // said also where they are not known
const TOP = 6

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value)
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value)
  }
  made.append(...children.filter((one) => one != null).map((one) => (typeof one === "string" ? visible(one) : one)))
  return made
}
const told = (value, digits = 3) => (typeof value !== "number" ? value || "–" : Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "–")
const percent = (value) => (typeof value === "number" ? `${Math.round(value * 100)}\u00a0%` : "–")

/** Where on the sky, as catalogues print it: hours, minutes, seconds; degrees, minutes, seconds. */
function sexagesimal(ra, dec) {
  const parts = (value, steps, digits) => { // rounded first, so that no 60 is left
    const whole = Math.round(value * 3600 * 10 ** digits), each = 10 ** digits
    const seconds = (whole % (60 * each)) / each, minutes = Math.floor(whole / (60 * each))
    return `${String(Math.floor(minutes / 60) % steps).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}:${seconds.toFixed(digits).padStart(3 + digits, "0")}`
  }
  return `${parts(ra / 15, 24, 2)} ${dec < 0 ? "−" : "+"}${parts(Math.abs(dec), 360, 1)}`
}

export class Card {
  constructor({ element, cards, rows, known, sent, notes, review, ranked, open }) {
    Object.assign(this, { element, cards, rows, known, notes, review, ranked, open })
    this.frame = known ? known.frame : "rest"
    this.id = null
    this.serial = 0
    this.written = new Map() // field → what was put there
    this.part = (name) => element.querySelector(`[data-part="${name}"]`)
    this.figure = sent ? new SpectrumFigure(this.part("figure"), sent, known) : null
    this.build()
  }
  build() {
    const { words, qualities, classes, issues } = this.review
    this.part("words").append(...words.map((word, at) => make("button", { type: "button", "data-word": word, "aria-pressed": "false",
      title: `${word} (key ${at + 1})`, onclick: () => this.review.say(word) }, make("kbd", { "aria-hidden": "true" }, String(at + 1)), ` ${word}`)))
    this.part("issues").append(...Object.entries(issues).map(([flag, meaning]) => make("button", { type: "button", "data-issue": flag,
      "aria-pressed": "false", "aria-label": `${flag}: ${meaning}`, title: `${meaning} (key ${flag}, with shift)`, onclick: () => this.flag(flag) }, flag)))
    const option = (value, told) => make("option", { value }, told)
    this.part("quality").append(option("", "–"), ...Object.entries(qualities).sort((a, b) => b[0] - a[0])
      .map(([value, meaning]) => option(value, `${value} · ${meaning}`)))
    this.part("spectype").append(option("", "–"), ...classes.map((one) => option(one, one)))
    this.part("quality").addEventListener("change", (event) => this.say({ quality: event.target.value === "" ? null : Number(event.target.value) }))
    this.part("spectype").addEventListener("change", (event) => this.say({ spectype: event.target.value }))
    for (const name of ["note", "z"]) {
      const field = this.part(name)
      field.addEventListener("change", () => { this.finish(); this.showNotes() })
      field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); field.blur() } })
    }
    const own = this.part("own")
    own.addEventListener("change", () => this.finishOwn(this.review.page.chosen.length > 1 ? this.review.page.chosen : [this.id]))
    own.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); own.blur() } })
    this.part("frame").addEventListener("click", () => this.turn())
    this.part("copy").addEventListener("click", () => {
      navigator.clipboard?.writeText(location.href).then(() => this.tell("Link copied."), () => this.tell(location.href))
    })
  }
  tell(text) { this.part("told").textContent = text }
  say(parts) {
    if (this.id === null) return
    this.finish()
    this.notes.say([this.id], parts)
    this.review.said()
  }
  flag(one) {
    const { issues } = this.notes.of(this.id)
    this.say({ issues: Object.keys(this.review.issues).filter((flag) => issues.includes(flag) !== (flag === one)).join("") })
  }
  /** Keep a note and a redshift that are still being written. */
  finish() {
    if (this.id === null) return
    this.finishOwn([this.id])
    const fields = [this.part("note"), this.part("z")], parts = {}
    const [note, z] = fields.map((field) => (field.value === this.written.get(field) ? null : field.value.trim()))
    if (note !== null) parts.note = note
    if (z !== null) parts.z = redshift(z)
    const wrong = z !== null && parts.z === undefined
    if (wrong) {
      delete parts.z
      fields[1].setAttribute("aria-invalid", "true")
      this.tell("A redshift is a number above −1; this one is not kept.")
    } else if (fields[1].hasAttribute("aria-invalid")) {
      fields[1].removeAttribute("aria-invalid")
      this.tell("")
    }
    for (const field of fields) if (field !== fields[1] || !wrong) this.written.set(field, field.value)
    if (!Object.keys(parts).length) return
    this.notes.say([this.id], parts)
    if (!wrong) this.review.said()
  }
  /** Keep a word of one's own that is still being written. */
  finishOwn(ids) {
    const field = this.part("own")
    if (field.value === this.written.get(field)) return
    this.written.set(field, field.value)
    this.review.own(field.value.trim().replace(/\s+/g, " "), ids)
  }
  showNotes(fresh = false) {
    const { word, quality, issues, spectype, z, note } = this.notes.of(this.id)
    for (const button of this.part("words").children) button.setAttribute("aria-pressed", String(button.dataset.word === word))
    for (const button of this.part("issues").children) button.setAttribute("aria-pressed", String(issues.includes(button.dataset.issue)))
    const given = quality === null ? "" : String(quality), select = this.part("quality")
    if (![...select.options].some((one) => one.value === given)) select.append(make("option", { value: given }, given)) // a mean of several
    select.value = given
    this.part("spectype").value = spectype
    if (fresh) this.part("z").removeAttribute("aria-invalid")
    const written = { note, z: z === null ? "" : String(z), own: this.review.words.includes(word) ? "" : word }
    for (const [name, value] of Object.entries(written)) {
      const field = this.part(name)
      if (!fresh && (document.activeElement === field || field.hasAttribute("aria-invalid"))) continue
      field.value = value
      this.written.set(field, field.value) // a field of one line has no line breaks
    }
    this.before()
  }
  /** What was said before: by the labels that came with the page, and by others in this browser. */
  before() {
    const here = this.id === this.element.dataset.shown ? this.given ?? [] : []
    const told = new Set(here.map((one) => JSON.stringify([one.author, one.time, one.label])))
    const others = this.notes.others(this.id).filter((one) => !told.has(JSON.stringify([one.author, one.time, one.label])))
    const all = [...here, ...others], last = (one) => all.findLast(({ author }) => author === one.author)
    const stands = all.filter((one) => one.label && one === last(one)), before = all.filter((one) => !stands.includes(one))
    this.list("labels", stands, (one) => this.label(one))
    this.list("history", before, (one) => this.label(one))
    this.part("history-count").textContent = `${before.length} earlier`
    this.part("labels-box").hidden = !all.length
  }
  turn() {
    if (!this.shown || this.shown.z === null) return
    this.frame = this.frame === "rest" ? "observed" : "rest"
    this.drawSpectrum()
  }

  async show(id, row, theme) {
    if (this.id !== null && this.id !== id) this.finish()
    const serial = ++this.serial, same = id === this.id
    this.id = id
    this.row = row
    this.theme = theme
    this.element.hidden = false
    this.part("id").textContent = visible(id)
    this.part("outside").hidden = row >= 0
    this.showNotes(!same)
    if (!same) this.tell("")
    this.facts(row)
    this.values(row)
    let card = null, problem = ""
    try { card = await this.cards.of(id) } catch (error) { problem = error.message }
    if (serial !== this.serial) return
    card ??= { links: [] }
    this.links(card.links ?? [])
    this.explained(card.explanation)
    this.list("matches", card.matches, (one) => this.match(one))
    this.given = card.labels
    await this.spectrum(card, problem, serial)
    if (serial !== this.serial) return
    this.kin(card.kin, serial)
    this.element.dataset.shown = id
    this.before()
  }
  restyle(theme) {
    this.theme = theme
    if (this.shown) this.shown.theme = theme
    if (this.id !== null) this.cards.of(this.id).then((card) => this.kin(card?.kin, this.serial), () => {})
  }

  facts(row) {
    const told = (name) => (this.rows.columns.has(name) ? this.rows.told(name, row) : "–")
    const known = (name) => told(name) !== "–" && !(["zwarning", "kin_far"].includes(name) && Number(told(name)) === 0)
    const far = this.far(row)
    const names = row < 0 ? [] : FACTS.filter((name) => name !== "vote" || !far).map((name) => (name === "rank" && !this.rows.columns.has(name) ? this.ranked : name))
      .filter((name) => this.rows.columns.has(name) && (ALWAYS.includes(name) || known(name)))
    const [z, error] = ["z", "z_err"].map((name) => this.rows.columns.get(name)?.values?.[row])
    const digits = z === z && error > 0 ? Math.max(4, Math.min(8, 1 - Math.floor(Math.log10(error)))) : null // two of the error
    const shown = (name) => (name === "z" && digits ? z.toFixed(digits) : name === "kin_far" ? "far from everything known" : told(name))
    const more = { z: digits ? ` ± ${error.toFixed(digits)}` : "", tier: known("tier_reason") ? ` (no higher: ${told("tier_reason")})` : "" }
    const heading = (name) => ({ snr: "S/N", kin_far: "kin", rank_before: "rank before" }[name] ?? name.replace(/^(.+)_rank$/, "rank by $1"))
    this.part("facts").replaceChildren(...names.map((name) => make("div", { title: this.rows.columns.get(name).description },
      make("dt", {}, heading(name)), make("dd", {}, shown(name), more[name] ? make("span", { class: "why" }, more[name]) : null))))
    const place = row >= 0 ? ["ra", "dec"].map((name) => this.rows.columns.get(name)?.values?.[row]) : []
    if (place.length && place.every(Number.isFinite)) this.part("facts").append(make("div", { title: `Right ascension and declination, ICRS, degrees; ${sexagesimal(...place)}` },
      make("dt", {}, "ra, dec"), make("dd", {}, `${place[0].toFixed(5)} ${place[1] < 0 ? "−" : "+"}${Math.abs(place[1]).toFixed(5)}`)))
    const story = row >= 0 && ["story", "cluster_story"].find((name) => this.rows.columns.has(name))
    const text = story ? this.rows.told(story, row) : "–"
    this.part("story").textContent = text === "–" ? "" : text
    this.part("story").hidden = text === "–"
  }
  /** Whether the nearest of an object are too far away to be its kin. */
  far(row) { return row >= 0 && this.rows.columns.has("kin_far") && !["–", "0"].includes(this.rows.told("kin_far", row)) }
  values(row) { // only where they are looked at: all columns would be unpacked
    const body = this.part("values"), box = this.part("values-box")
    box.ontoggle = () => this.values(this.row)
    box.hidden = row < 0
    body.replaceChildren(...(row < 0 || !box.open ? [] : [...this.rows.columns.values()].map((one) => make("tr", {},
      make("th", { scope: "row" }, one.name), make("td", {}, this.rows.told(one.name, row), one.unit ? ` ${one.unit}` : ""),
      make("td", { class: "meaning" }, one.description)))))
  }
  links(links) {
    const safe = links.filter((one) => /^https:\/\//.test(one.url))
    this.part("links-box").hidden = !safe.length
    this.part("links").replaceChildren(...safe.map((one) =>
      make("a", { href: one.url, target: "_blank", rel: "noopener noreferrer" }, `${one.name} ↗`)))
  }
  async spectrum(card, problem, serial) {
    const missing = this.part("missing")
    this.shown = null
    if (!card.spectrum || !this.figure) {
      missing.textContent = problem || "No spectrum of this object came with this page."
      missing.hidden = false
      this.part("figure-box").hidden = true
      return
    }
    const planes = await unpacked(card.spectrum, this.known.wave.length)
    if (serial !== this.serial) return
    const z = card.z ?? null
    if (z === null) this.frame = this.known.frame
    missing.hidden = true
    this.part("figure-box").hidden = false
    this.shown = { planes, sent: card.spectrum, z, explanation: card.explanation, theme: this.theme }
    await this.drawSpectrum()
  }
  drawSpectrum() {
    const button = this.part("frame"), { z } = this.shown
    button.disabled = z === null
    button.textContent = this.frame === "rest" ? "Rest frame" : "Observed frame"
    button.title = z === null ? "No redshift is known" : `Turn to the ${this.frame === "rest" ? "observed" : "rest"} frame (key o)`
    this.shown.frame = this.frame
    return this.figure.put(this.shown)
  }

  explained(explanation) {
    const box = this.part("explanation")
    box.hidden = !explanation
    if (!explanation) return
    const score = explanation.score
    this.part("verdict").textContent = `${score} ${told(explanation.value, 4)} · ${explanation.grade} (${explanation.reason})`
    const order = explanation.weights.map((_, k) => k).sort((a, b) => Math.abs(explanation.weights[b] ?? 0) - Math.abs(explanation.weights[a] ?? 0)).slice(0, TOP)
    const most = Math.abs(explanation.weights[order[0]] ?? 0) || 1, digits = 3 - Math.floor(Math.log10(most))
    const places = (value) => (digits > 8 ? told(value) : value.toFixed(Math.max(0, digits))).replace("-", "−") // as many for all
    this.part("leading").replaceChildren(...order.map((k) => {
      const weight = explanation.weights[k] ?? 0
      const bar = make("i", { class: weight >= 0 ? "raises" : "lowers", "aria-hidden": "true" })
      bar.style.width = `${(Math.abs(weight) / most) * 100}%`
      const inside = typeof explanation.low[k] === "number" ? ` (${places(explanation.low[k])} … ${places(explanation.high[k])})` : ""
      return make("tr", {}, make("th", { scope: "row" }, explanation.names[k] ?? "–"), make("td", { class: "bar" }, bar),
        make("td", {}, `${weight >= 0 ? "+" : ""}${places(weight)}${inside}`))
    }))
    const shares = Object.entries(explanation.shares).filter(([, value]) => typeof value === "number" && value >= 0.005).sort((a, b) => b[1] - a[1])
    const artefact = typeof explanation.artefact === "number" ? `Artefact: ${percent(explanation.artefact)}. ` : explanation.untold ? `Artefact: ${explanation.untold}. ` : ""
    const second = typeof explanation.z_second === "number" ? `Lines of another galaxy at z = ${explanation.z_second.toFixed(4)}. ` : ""
    this.part("shares").textContent = artefact + second + (shares.length ? `The weight lies on ${shares.map(([name, value]) => `${name} ${percent(value)}`).join(", ")}.` : "")
  }
  list(name, items, line) {
    this.part(`${name}-box`).hidden = !items?.length
    this.part(name).replaceChildren(...(items ?? []).map(line))
  }
  match(one) {
    const status = { matched: "", none: "nothing there", not_checked: "not checked", failed: "the service failed" }[one.status] ?? one.status
    const parts = [one.name, one.type, one.separation != null ? `${told(one.separation)}″` : "", one.z != null ? `z = ${told(one.z, 5)}` : "", status]
    if (status && one.reason) parts.push(`${parts.pop()}: ${one.reason}`)
    return make("li", { "data-status": one.status }, make("b", {}, one.service ?? "–"), ` ${parts.filter(Boolean).join(" · ") || "–"}`)
  }
  label(one) {
    const { quality, issues, spectype, z, comment } = this.notes.inspected(one)
    const parts = [one.author || "somebody", one.time?.slice(0, 10), quality === null ? "" : `quality ${quality}`, spectype, z === null ? "" : `z = ${z}`,
      ...[...issues].map((flag) => this.review.issues[flag].split(":")[0]), one.note, comment === one.note ? "" : comment]
    return make("li", {}, make("b", {}, one.label || "taken back"), ` ${parts.filter(Boolean).join(" · ")}`)
  }
  kin(kin, serial) {
    this.part("kin-box").hidden = !kin?.length
    const far = this.far(this.row)
    this.part("kin-told").hidden = !far
    this.part("kin").dataset.far = String(far)
    const colours = this.known?.colours[this.theme]
    this.part("kin").replaceChildren(...(kin ?? []).map((one) => {
      const within = this.cards.has(one.id)
      const canvas = within && this.figure ? make("canvas", { width: 150, height: 48, "aria-hidden": "true" }) : make("span", { class: "nothing" }, "no spectrum here")
      const about = [one.label, one.distance != null ? `d = ${told(one.distance)}` : "", one.weight != null ? `weight\u00a0${percent(one.weight)}` : ""]
      const tile = make(within ? "button" : "div", { class: "kin", type: within ? "button" : null, onclick: () => within && this.open(one.id) }, canvas,
        make("b", {}, one.id), make("span", {}, about.filter(Boolean).join(" · ") || "–"))
      if (within && this.figure) this.sketch(one.id, canvas, colours, serial)
      return make("li", {}, tile)
    }))
  }
  async sketch(id, canvas, colours, serial) {
    try {
      const card = await this.cards.of(id)
      if (!card?.spectrum) { canvas.replaceWith(make("span", { class: "nothing" }, "no spectrum here")); return }
      const planes = await unpacked(card.spectrum, this.known.wave.length)
      if (serial === this.serial && canvas.isConnected) thumbnail(canvas, planes, card.spectrum.limits, colours)
    } catch { canvas.replaceWith(make("span", { class: "nothing" }, "cannot be read")) }
  }
}
