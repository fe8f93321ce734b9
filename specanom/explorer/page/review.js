// The review: who is at the keyboard, what is said of the object shown or of all rows picked, and files of labels.
import { textColumn } from "./rows.js"
import { make } from "./card.js"

const find = (id) => document.getElementById(id)
const many = (count, one, more = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`
const ISSUE = "Of a visual inspection, given here: "

/** Columns of the review: what each means, and what it says of an object. */
const COLUMNS = {
  mark: ["What you said here: a word", (notes, id) => notes.of(id).word],
  mark_quality: ["Quality you gave here, 0 to 4", (notes, id) => String(notes.of(id).quality ?? "")],
  mark_issues: [`${ISSUE}R bad redshift, C bad class, S bad spectrum`, (notes, id) => notes.of(id).issues],
  mark_class: [`${ISSUE}class`, (notes, id) => notes.of(id).spectype],
  mark_z: [`${ISSUE}redshift, as written`, (notes, id) => String(notes.of(id).z ?? "")],
  mark_note: ["Your note", (notes, id) => notes.of(id).note],
  mark_others: ["What others said, by name", (notes, id) => notes.others(id).map((one) => `${one.author || "somebody"}: ${one.label}`).join("; ")],
}
export const MARKS = Object.keys(COLUMNS)

export class Review {
  /** `page` tells `id`, `card` and `chosen`, the ids of picked rows, and is told when a column has `changed`. */
  constructor({ sent, rows, notes, page }) {
    const { words, qualities, classes, issues } = sent
    Object.assign(this, { words, qualities, classes, issues, rows, notes, page })
    for (const name of MARKS) this.put(name)
  }
  begin() {
    const author = find("author")
    author.value = this.notes.author
    author.addEventListener("change", () => {
      this.page.card.finish() // under the name it was written
      this.notes.setAuthor(author.value.trim())
    })
    find("adopt").addEventListener("click", () => this.notes.adopt())
    find("export").addEventListener("click", () => this.exported())
    find("import").addEventListener("click", () => find("import-file").click())
    find("import-file").addEventListener("change", async (event) => {
      const [file] = event.target.files
      if (file) await this.imported(file)
      event.target.value = ""
    })
    window.addEventListener("storage", (event) => { // another tab has said something
      if (event.key === this.notes.key && this.notes.absorb()) this.marked()
    })
    this.notes.changed = () => this.marked()
    this.told()
  }

  // -- columns ------------------------------------------------------------------------------------------------------
  put(name) {
    const [description, said] = COLUMNS[name]
    this.rows.add({ name, heading: name, kind: "text", style: null, description, unit: "", sent: textColumn(this.rows.ids.map((id) => said(this.notes, id))) })
  }
  marked() {
    for (const name of MARKS) {
      this.put(name)
      this.page.changed(name)
    }
    this.told()
    this.page.marked()
  }
  told() {
    const { count, kept, nameless, said, authors } = this.notes
    find("notes-count").textContent = count ? `${many(count, "object")} reviewed` : "nothing reviewed yet"
    find("notes-kept").hidden = kept
    find("export").disabled = !said.length
    find("adopt").hidden = !nameless.length
    find("adopt").textContent = nameless.length === 1 ? "1 note has no name: it is mine" : `${many(nameless.length, "note")} have no name: they are mine`
    find("authors").replaceChildren(...authors.map((name) => make("option", { value: name })))
  }

  // -- words --------------------------------------------------------------------------------------------------------
  /** Say a word, or take it back where all have it. */
  say(word) {
    const { id, chosen, card } = this.page, ids = chosen.length > 1 ? chosen : [id]
    if (id === null) return
    card.finish()
    const back = ids.every((one) => this.notes.of(one).word === word)
    this.notes.say(ids, { word: back ? "" : word })
    card.tell((back ? "Taken back" : `Said: ${word}`) + (ids.length > 1 ? `, of ${many(ids.length, "row")}.` : "."))
    this.said()
  }
  /** After something was said. */
  said() {
    if (!this.notes.author) this.page.card.tell("Kept without a name: write yours at the top, so that it counts as yours.")
  }

  // -- files --------------------------------------------------------------------------------------------------------
  exported() {
    this.page.card.finish()
    const name = this.notes.fileName
    const link = make("a", { href: URL.createObjectURL(this.notes.file()), download: name })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    find("told").textContent = `${name} is among your downloads: “specanom label RUN ${name}” adds it to the labels of a run, beside what others said.`
  }
  async imported(file) {
    const { fresh, torn } = this.notes.merge(await file.text())
    find("told").textContent = `${many(fresh, "new line")} from ${file.name}${torn ? `; ${torn} cannot be read` : ""}`
  }
}
