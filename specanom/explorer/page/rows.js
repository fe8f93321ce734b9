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

export class Rows {
  constructor(table) {
    this.columns = new Map() // name → {name, kind, at, values?, written, description, unit}
    for (const column of table.columns) {
      for (const key of BYTES) if (key in column.sent) column.sent[key] = bytes(column.sent[key])
      column.sent.edition = 1
      this.add(column)
    }
    this.ids = Array.from({ length: this.count }, (_, row) => this.columns.get("id").at(row))
    this.places = new Map(this.ids.map((id, row) => [id, row]))
    this.brushed = null
  }
  add(column) {
    const read = reader(column.sent, column.style)
    this.count ??= read.count
    const { values } = read
    let at
    if (column.kind === "number") at = (row) => values[row]
    else if (column.kind === "flag") { const flags = Array.from({ length: read.count }, (_, row) => read.text(row) !== ""); at = (row) => flags[row] }
    else { let texts = null; at = (row) => (texts ??= Array.from({ length: read.count }, (_, one) => read.text(one)))[row] }
    this.columns.set(column.name, { ...column, at, values, written: read.text })
  }
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
