// The rows of the catalogue: values by column, which rows pass the filter, and in which order they come.
import { reader } from "./table.js"
import { FilterError, folded, isExpression, matching } from "./filter.js"

const BYTES = ["data", "codes", "blob", "offsets"]

/** Bytes of base64. */
export function bytes(text) {
  const raw = atob(text), made = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) made[i] = raw.charCodeAt(i)
  return made
}
export const doubles = (text) => new Float64Array(bytes(text).buffer)

/** Texts as a table takes them. */
export function textColumn(texts) {
  const encoder = new TextEncoder(), parts = texts.map((one) => encoder.encode(one))
  const offsets = new Int32Array(texts.length + 1)
  parts.forEach((one, at) => { offsets[at + 1] = offsets[at] + one.length })
  const blob = new Uint8Array(offsets.at(-1))
  parts.forEach((one, at) => blob.set(one, offsets[at]))
  return { kind: "text", blob, offsets }
}

/** One column, decoded when it is first looked at: most never are. */
class Column {
  constructor({ name, heading, kind, style, description, unit, sent }) {
    Object.assign(this, { name, heading, kind, style, description, unit, packed: sent })
  }
  get sent() {
    if (this.opened) return this.opened
    this.opened = { ...this.packed, edition: 1 }
    for (const key of BYTES) if (typeof this.opened[key] === "string") this.opened[key] = bytes(this.opened[key])
    return this.opened
  }
  get read() { return (this.reader ??= reader(this.sent, this.style)) }
  get count() { return this.read.count }
  get values() { return this.read.values }
  get texts() { return (this.all ??= Array.from({ length: this.count }, (_, row) => this.read.text(row))) }
  written(row) { return this.read.text(row) }
  at(row) {
    if (this.kind === "number") return this.read.values[row]
    return this.kind === "flag" ? this.texts[row] !== "" : this.texts[row]
  }
}

export class Rows {
  constructor(table) {
    this.columns = new Map() // name → Column
    for (const column of table.columns) this.add(column)
    this.count = this.columns.get("id").count
    this.ids = Array.from({ length: this.count }, (_, row) => this.columns.get("id").at(row))
    this.places = new Map(this.ids.map((id, row) => [id, row]))
    this.brushed = null
  }
  add(column) { this.columns.set(column.name, new Column(column)) }
  /** What stands in a cell; a dash where nothing does. */
  told(name, row) {
    const text = this.columns.get(name)?.written(row) ?? ""
    return text === "" ? "–" : text
  }
  texts() { return [...this.columns.values()].filter((one) => one.kind === "text") }

  /** Rows in order, and what is wrong with the filter; rows that could not be filtered stay as they were. */
  arrange(sort, text, before) {
    let error = "", keep = () => true
    try {
      keep = this.kept(text.trim())
    } catch (wrong) {
      if (!(wrong instanceof FilterError)) throw wrong
      const shown = new Set(before)
      error = wrong.message
      keep = (row) => shown.has(row)
    }
    const rows = []
    for (let row = 0; row < this.count; row++) if ((!this.brushed || this.brushed.has(row)) && keep(row)) rows.push(row)
    return { rows: Int32Array.from(this.sorted(rows, sort)), error }
  }
  kept(text) {
    if (!text) return () => true
    if (this.places.has(text)) return (row) => row === this.places.get(text) // a whole id, and not who has it as kin
    if (!isExpression(text)) return this.containing(text)
    try {
      return matching(text, this.columns)
    } catch (error) {
      const found = this.containing(text) // ids may look like anything
      if (error instanceof FilterError && this.ids.some((_, row) => found(row))) return found
      throw error
    }
  }
  containing(text) {
    const piece = folded(text), columns = this.texts()
    return (row) => columns.some((one) => folded(one.at(row)).includes(piece))
  }
  sorted(rows, [name, direction]) {
    const column = this.columns.get(name)
    if (!column) return rows
    const sign = direction === "descending" ? -1 : 1
    const missing = column.kind === "text" ? (value) => value === "" : (value) => Number.isNaN(value)
    const { ids } = this
    return rows.sort((a, b) => {
      const x = column.at(a), y = column.at(b), lost = missing(x) - missing(y)
      if (lost) return lost // either way last
      if (!missing(x) && x !== y) return x < y ? -sign : sign
      return ids[a] < ids[b] ? -1 : ids[a] > ids[b] ? 1 : 0
    })
  }
}
