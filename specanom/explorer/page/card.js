// The card of one object. Whatever comes from data is text: nothing here is ever read as HTML.
import { SpectrumFigure, thumbnail } from "./drawing.js"
import { unpacked } from "./spectra.js"

const FACTS = ["z", "snr", "class", "subclass", "tier", "percentile", "cluster", "artefact", "vote", "label"]
const TOP = 6

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value)
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value)
  }
  made.append(...children.filter((one) => one != null))
  return made
}
const told = (value, digits = 3) => (typeof value !== "number" ? value || "–" : Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "–")
const percent = (value) => (typeof value === "number" ? `${Math.round(value * 100)} %` : "–")

export class Card {
  constructor({ element, cards, rows, known, sent, notes, words, qualities, open }) {
    Object.assign(this, { element, cards, rows, known, notes, words, qualities, open })
    this.frame = known ? known.frame : "rest"
    this.id = null
    this.serial = 0
    this.part = (name) => element.querySelector(`[data-part="${name}"]`)
    this.figure = sent ? new SpectrumFigure(this.part("figure"), sent, known) : null
    this.build()
  }
  build() {
    const words = this.words.map((word, at) => make("button", { type: "button", "data-word": word, "aria-pressed": "false",
      title: `${word} (key ${at + 1})`, onclick: () => this.say({ word: this.notes.of(this.id).word === word ? "" : word }) },
    make("kbd", { "aria-hidden": "true" }, String(at + 1)), ` ${word}`))
    this.part("words").append(...words)
    const quality = this.part("quality")
    quality.append(make("option", { value: "" }, "–"), ...Object.entries(this.qualities).sort((a, b) => b[0] - a[0])
      .map(([value, meaning]) => make("option", { value }, `${value} · ${meaning}`)))
    quality.addEventListener("change", () => this.say({ quality: quality.value === "" ? null : Number(quality.value) }))
    const note = this.part("note")
    note.addEventListener("change", () => this.say({ note: note.value.trim() }))
    note.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); note.blur() } })
    this.part("frame").addEventListener("click", () => this.turn())
    this.part("copy").addEventListener("click", () => {
      navigator.clipboard?.writeText(location.href).then(() => this.tell("Link copied."), () => this.tell(location.href))
    })
  }
  tell(text) { this.part("told").textContent = text }
  say(parts) {
    if (this.id === null) return
    this.finish()
    this.notes.say(this.id, parts)
  }
  /** Keep a note that is still being written. */
  finish() {
    const note = this.part("note")
    if (this.id !== null && note.value.trim() !== this.notes.of(this.id).note) this.notes.say(this.id, { note: note.value.trim() })
  }
  showNotes() {
    const { word, quality, note } = this.notes.of(this.id)
    for (const button of this.part("words").children) button.setAttribute("aria-pressed", String(button.dataset.word === word))
    this.part("quality").value = quality === null ? "" : String(quality)
    const field = this.part("note")
    if (document.activeElement !== field) field.value = note
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
    this.part("id").textContent = id
    this.part("outside").hidden = row >= 0
    this.showNotes()
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
    this.list("labels", card.labels, (one) => this.label(one))
    await this.spectrum(card, problem, serial)
    if (serial !== this.serial) return
    this.kin(card.kin, serial)
    this.element.dataset.shown = id
  }
  restyle(theme) {
    this.theme = theme
    if (this.shown) this.shown.theme = theme
    if (this.id !== null) this.cards.of(this.id).then((card) => this.kin(card?.kin, this.serial), () => {})
  }

  facts(row) {
    const names = row < 0 ? [] : FACTS.filter((name) => this.rows.columns.has(name))
    this.part("facts").replaceChildren(...names.map((name) => make("div", { title: this.rows.columns.get(name).description },
      make("dt", {}, name === "snr" ? "S/N" : name), make("dd", {}, this.rows.told(name, row)))))
    const place = row >= 0 ? ["ra", "dec"].map((name) => this.rows.columns.get(name)?.values?.[row]) : []
    if (place.length && place.every(Number.isFinite)) this.part("facts").append(make("div", { title: "Right ascension and declination, ICRS, degrees" },
      make("dt", {}, "ra, dec"), make("dd", {}, `${place[0].toFixed(5)} ${place[1] < 0 ? "−" : "+"}${Math.abs(place[1]).toFixed(5)}`)))
    const story = row >= 0 && ["story", "cluster_story"].find((name) => this.rows.columns.has(name))
    const text = story ? this.rows.told(story, row) : "–"
    this.part("story").textContent = text === "–" ? "" : text
    this.part("story").hidden = text === "–"
  }
  values(row) { // only where they are looked at: all columns would be unpacked
    const body = this.part("values"), box = this.part("values-box")
    box.ontoggle = () => this.values(this.row)
    box.hidden = row < 0
    body.replaceChildren(...(row < 0 || !box.open ? [] : [...this.rows.columns.values()].map((one) => make("tr", {},
      make("th", { scope: "row" }, one.name), make("td", {}, this.rows.told(one.name, row), one.unit ? ` ${one.unit}` : ""),
      make("td", { class: "meaning" }, one.description)))))
  }
  links(links) {
    this.part("links").replaceChildren(...links.filter((one) => /^https:\/\//.test(one.url)).map((one) =>
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
    const most = Math.abs(explanation.weights[order[0]] ?? 0) || 1
    this.part("leading").replaceChildren(...order.map((k) => {
      const weight = explanation.weights[k] ?? 0
      const bar = make("i", { class: weight >= 0 ? "raises" : "lowers", "aria-hidden": "true" })
      bar.style.width = `${(Math.abs(weight) / most) * 100}%`
      const inside = typeof explanation.low[k] === "number" ? ` (${told(explanation.low[k])} … ${told(explanation.high[k])})` : ""
      return make("tr", {}, make("th", { scope: "row" }, explanation.names[k] ?? "–"), make("td", { class: "bar" }, bar),
        make("td", {}, `${weight >= 0 ? "+" : "−"}${told(Math.abs(weight))}${inside}`))
    }))
    const shares = Object.entries(explanation.shares).filter(([, value]) => typeof value === "number" && value >= 0.005).sort((a, b) => b[1] - a[1])
    const artefact = typeof explanation.artefact === "number" ? `Artefact: ${percent(explanation.artefact)}. ` : ""
    this.part("shares").textContent = artefact + (shares.length ? `The weight lies on ${shares.map(([name, value]) => `${name} ${percent(value)}`).join(", ")}.` : "")
  }
  list(name, items, line) {
    this.part(`${name}-box`).hidden = !items?.length
    this.part(name).replaceChildren(...(items ?? []).map(line))
  }
  match(one) {
    const status = { matched: "", none: "nothing there", not_checked: "not checked", failed: "the service failed" }[one.status] ?? one.status
    const parts = [one.name, one.type, one.separation != null ? `${told(one.separation)}″` : "", one.z != null ? `z = ${told(one.z, 5)}` : "", status]
    return make("li", { "data-status": one.status }, make("b", {}, one.service ?? "–"), ` ${parts.filter(Boolean).join(" · ") || "–"}`)
  }
  label(one) {
    const quality = one.inspection?.quality
    const parts = [one.author || "somebody", one.time?.slice(0, 10), quality != null ? `quality ${quality}` : "", one.note]
    return make("li", {}, make("b", {}, one.label || "taken back"), ` ${parts.filter(Boolean).join(" · ")}`)
  }
  kin(kin, serial) {
    this.part("kin-box").hidden = !kin?.length
    const colours = this.known?.colours[this.theme]
    this.part("kin").replaceChildren(...(kin ?? []).map((one) => {
      const within = this.cards.has(one.id)
      const canvas = within && this.figure ? make("canvas", { width: 150, height: 48, "aria-hidden": "true" }) : make("span", { class: "nothing" }, "no spectrum here")
      const about = [one.label, one.distance != null ? `d = ${told(one.distance)}` : "", one.weight != null ? `weight ${percent(one.weight)}` : ""]
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
