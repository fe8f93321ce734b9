// What readers say of objects, each under a name of its own: kept in this browser where it allows that, and written to a
// file of labels. What another one said can be read here, and is never written again under a second name.

const FIELDS = ["id", "label", "note", "author", "source", "time"]
const NOTHING = Object.freeze({ word: "", quality: null, issues: "", spectype: "", z: null, note: "" })
const text = (value) => typeof value === "string"
const among = (value, low, high) => typeof value === "number" && Number.isFinite(value) && value >= low && value <= high

/** When something was said, in ms since 1970; a time without a zone is UTC, and one that cannot be read is the first. */
function moment(one) {
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(one.time)
  return Date.parse(zoned || !one.time.includes("T") ? one.time : `${one.time}Z`) || 0
}
/** A redshift that was written by hand: a number above −1; null where nothing is written, undefined for anything else. */
export function redshift(written) {
  const plain = written.trim().replace("−", "-")
  if (!plain) return null
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN
  return Number.isFinite(value) && value > -1 ? value : undefined
}

export class Notes {
  constructor({ key, noted, issues, classes, said }) {
    Object.assign(this, { key: `specanom explorer ${key}`, noted, classes, flags: Object.keys(issues) })
    this.said = []            // the lines of everything said or read in this browser, in order
    this.known = new Set()    // what they say
    this.standing = new Map() // id → author → what was said last, by the run or here
    this.kept = true          // whether this browser keeps it
    this.changed = () => {}
    for (const one of said) this.stand(one)
    this.author = this.read(`${this.key} author`) ?? ""
    this.absorb()
  }

  // -- where it is kept ---------------------------------------------------------------------------------------------
  read(key) {
    try { return localStorage.getItem(key) } catch { this.kept = false; return null }
  }
  write(key, value) {
    try { localStorage.setItem(key, value) } catch { this.kept = false }
  }
  lines() { return this.said }
  /** Take in what this browser keeps: another tab may have said more. */
  absorb() { return this.take(this.read(this.key) ?? "").fresh }
  save() {
    this.absorb()
    this.write(this.key, this.lines().join("\n"))
    this.changed()
  }
  setAuthor(name) {
    this.author = name
    this.write(`${this.key} author`, name)
    this.changed()
  }

  // -- lines --------------------------------------------------------------------------------------------------------
  /** The label of a line, its fields in order; null when it cannot be read. */
  parsed(line) {
    let one
    try { one = JSON.parse(line) } catch { return null }
    if (one === null || typeof one !== "object" || !text(one.id) || !one.id || !text(one.label)) return null
    return { ...Object.fromEntries(FIELDS.map((name) => [name, text(one[name]) ? one[name] : ""])), ...this.rest(one) }
  }
  /** Fields of a line that are none of every label: reason, inspection, and what others may add. */
  rest(one) { return Object.fromEntries(Object.entries(one).filter(([name]) => !FIELDS.includes(name))) }
  /** Take in lines; what is known already, word for word, is left out. */
  take(content) {
    let fresh = 0, torn = 0
    for (const line of content.split("\n")) {
      if (!line.trim()) continue
      const one = this.parsed(line)
      if (!one) torn += 1
      else fresh += this.add(one, line.trim())
    }
    return { fresh, torn }
  }
  add(one, line = JSON.stringify(one)) {
    const told = JSON.stringify(one)
    if (this.known.has(told)) return false
    this.known.add(told)
    this.said.push(line) // as it was read: a long number keeps its digits
    this.stand(one)
    return true
  }
  /** What an author said last stands, whatever file it came from. */
  stand(one) {
    if (!this.standing.has(one.id)) this.standing.set(one.id, new Map())
    const by = this.standing.get(one.id), before = by.get(one.author)
    if (!before || (moment(one) >= moment(before) && this.displaces(one, before))) by.set(one.author, one)
  }
  /** All takes the place of what was said before but a note of which nobody knows the time: that takes no word away. */
  displaces(one, before) {
    return ["", this.noted].includes(before.label) || one.label !== this.noted || moment(one) > 0
  }
  merge(content) {
    const told = this.take(content)
    this.save()
    return told
  }

  // -- what stands --------------------------------------------------------------------------------------------------
  own(id) { return this.standing.get(id)?.get(this.author) }
  /** What the author says: {word, quality, issues, spectype, z, note}. */
  of(id) {
    const one = this.own(id)
    if (!one?.label) return NOTHING
    const { comment, ...seen } = this.inspected(one)
    return { word: one.label === this.noted ? "" : one.label, ...seen, note: one.note || comment }
  }
  /** The visual inspection of a line, as far as it can be understood. */
  inspected({ inspection }) {
    const given = inspection !== null && typeof inspection === "object" ? inspection : {}
    const flags = Array.isArray(given.issues) || text(given.issues) ? [...given.issues] : []
    return {
      quality: among(given.quality, 0, 4) ? given.quality : null, issues: this.flags.filter((one) => flags.includes(one)).join(""),
      spectype: this.classes.includes(given.spectype) ? given.spectype : "", z: among(given.z, -1, Infinity) && given.z > -1 ? given.z : null,
      comment: text(given.comment) ? given.comment : "",
    }
  }
  /** What others say of an object, the latest last. */
  others(id) {
    return [...this.standing.get(id)?.values() ?? []].filter((one) => one.label && one.author !== this.author)
      .sort((a, b) => moment(a) - moment(b))
  }
  get count() { return [...this.standing.keys()].filter((id) => this.own(id)?.label).length }
  get authors() { return [...new Set([...this.standing.values()].flatMap((by) => [...by.keys()]))].filter(Boolean).sort() }

  // -- saying -------------------------------------------------------------------------------------------------------
  /** Say something of objects, in one go; parts that are not given stay as they are. */
  say(ids, parts) {
    const made = ids.map((id) => this.line(id, parts)).filter(Boolean)
    if (!made.length) return
    for (const one of made) this.add(one)
    this.save()
  }
  line(id, parts) {
    const own = this.own(id), before = this.of(id), now = { ...before, ...parts }
    if (Object.keys(NOTHING).every((name) => now[name] === before[name])) return null
    const made = { id, label: "", note: "", author: this.author, source: "explorer", time: this.now(own) }
    if (Object.keys(NOTHING).every((name) => now[name] === NOTHING[name])) return made // taken back
    const { inspection: _, ...rest } = own?.label ? this.rest(own) : {}
    return { ...made, label: now.word || this.noted, note: now.note, ...rest, ...this.inspection(now) }
  }
  /** The visual inspection of what is said, where there is one; its comment is the note. */
  inspection({ quality, issues, spectype, z, note }) {
    const seen = Object.entries({ quality, issues: [...issues], spectype, z }).filter(([, value]) => value !== null && value.length !== 0)
    return seen.length ? { inspection: Object.fromEntries(note ? [...seen, ["comment", note]] : seen) } : {}
  }
  /** Now, and never before what the author said last: clocks differ. */
  now(own) {
    const time = Math.max(Date.now(), own ? moment(own) + 1 : 0)
    return new Date(time).toISOString().replace("Z", "+00:00")
  }

  // -- without a name -----------------------------------------------------------------------------------------------
  /** What was said in this browser without a name, of objects of which the author says nothing. */
  get nameless() {
    if (!this.author) return []
    return [...this.standing.values()].map((by) => by.get("")).filter((one) =>
      one?.label && this.known.has(JSON.stringify(one)) && !this.own(one.id)?.label)
  }
  /** Put the author's name to what has none. */
  adopt() {
    for (const one of this.nameless) {
      this.add({ ...one, author: this.author, time: this.now(this.own(one.id)) })
      this.add({ id: one.id, label: "", note: "", author: "", source: "explorer", time: this.now(one) })
    }
    this.save()
  }

  // -- a file of it -------------------------------------------------------------------------------------------------
  /** What was said or read here, the oldest first: to those who read the file, what comes last stands. */
  file() {
    const lines = this.lines().map((line) => [moment(this.parsed(line)), line]).sort(([a], [b]) => a - b)
    return new Blob(lines.map(([, line]) => `${line}\n`), { type: "application/jsonl" })
  }
  /** How the file is called: not as the labels of a run, whose place it must not take. */
  get fileName() {
    const who = this.author.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")
    return `labels-${who || "unnamed"}.jsonl`
  }
}
