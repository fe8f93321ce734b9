// What a reader says of objects: kept in this browser where it allows that, and written to a file of labels.

const QUALITIES = [0, 1, 2, 3, 4]
const FIELDS = ["id", "label", "note", "author", "source", "time"]
export const NOTED = "noted" // the label of an object of which there is a note or a quality and no word
const text = (value) => typeof value === "string"

export class Notes {
  constructor(key, words) {
    this.key = `specanom explorer ${key}`
    this.words = words
    this.said = []      // everything, in order
    this.mine = new Map() // id → what I said last
    this.kept = true    // whether this browser keeps it
    this.changed = () => {}
    this.author = this.read(`${this.key} author`) ?? ""
    for (const line of (this.read(this.key) ?? "").split("\n")) this.take(line)
  }
  read(key) {
    try { return localStorage.getItem(key) } catch { this.kept = false; return null }
  }
  write(key, value) {
    try { localStorage.setItem(key, value) } catch { this.kept = false }
  }
  lines() { return this.said.map((one) => JSON.stringify(one)) }
  save() {
    this.write(this.key, this.lines().join("\n"))
    this.changed()
  }
  setAuthor(name) {
    this.author = name
    this.write(`${this.key} author`, name)
  }
  /** Take one line in; whether it could be read. */
  take(line) {
    if (!line.trim()) return true
    let one
    try { one = JSON.parse(line) } catch { return false }
    if (one === null || typeof one !== "object" || !text(one.id) || !one.id || !text(one.label)) return false
    for (const name of FIELDS) if (!text(one[name])) one[name] = ""
    this.said.push(one)
    this.mine.set(one.id, one)
    return true
  }
  /** What stands: {word, quality, note}. */
  of(id) {
    const one = this.mine.get(id)
    if (!one || !one.label) return { word: "", quality: null, note: "" }
    const quality = one.inspection?.quality
    return { word: one.label === NOTED ? "" : one.label, quality: QUALITIES.includes(quality) ? quality : null, note: one.note }
  }
  /** Say something of an object; parts that are not given stay as they are. */
  say(id, parts) {
    const before = this.of(id), now = { ...before, ...parts }
    if (now.word === before.word && now.quality === before.quality && now.note === before.note) return
    const empty = !now.word && now.quality === null && !now.note
    const one = { ...this.others(id), id, label: empty ? "" : now.word || NOTED, note: now.note, author: this.author, source: "explorer",
      time: new Date().toISOString().replace("Z", "+00:00") }
    if (now.quality === null) {
      if (one.inspection) delete one.inspection.quality
      if (one.inspection && !Object.keys(one.inspection).length) delete one.inspection
    } else one.inspection = { ...one.inspection, quality: now.quality }
    this.said.push(one)
    this.mine.set(id, one)
    this.save()
  }
  /** Fields of a line that came from a file and that this page does not show. */
  others(id) {
    const one = this.mine.get(id)
    if (!one || !one.label) return {}
    const rest = { ...one }
    for (const name of FIELDS) delete rest[name]
    if (rest.inspection && typeof rest.inspection === "object") rest.inspection = { ...rest.inspection }
    else delete rest.inspection
    return rest
  }
  /** Take in the lines of a file; what is known already, word for word, is left out. */
  merge(content) {
    const known = new Set(this.lines())
    let fresh = 0, torn = 0
    const old = this.said
    this.said = []
    for (const line of content.split("\n")) if (!this.take(line)) torn += 1
    const read = this.said
    this.said = [...old]
    for (const one of read) {
      const line = JSON.stringify(one)
      if (known.has(line)) continue
      known.add(line)
      this.said.push(one)
      fresh += 1
    }
    this.mine = new Map() // the latest word stands, whatever file it came from
    const ordered = this.said.map((one, at) => [Date.parse(one.time) || 0, at, one]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
    for (const [, , one] of ordered) this.mine.set(one.id, one)
    this.save()
    return { fresh, torn }
  }
  get count() { return [...this.mine.values()].filter((one) => one.label).length }
  file() { return new Blob(this.said.length ? [this.lines().join("\n"), "\n"] : [], { type: "application/jsonl" }) }
}
