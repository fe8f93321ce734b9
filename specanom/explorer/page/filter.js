// What is typed into the filter: comparisons of columns, or a piece of a text. Nothing that is typed is executed. The
// grammar is that of the tables in notebooks: comparisons and their chains, in, and, or, not, & and |, arithmetic,
// numbers, texts in quotes, names of columns, in backquotes where they are no plain names.

const LONGEST = 1000
const EXAMPLE = 'z > 0.1 and snr < 20 and mark == "artefact"'
const TOKEN = /\s*(?:(\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`]*)`|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|[<>=!]=|[<>=+\-*/%&|()[\]{},]))/uy
const ORDERED = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "==": (a, b) => a === b, "!=": (a, b) => a !== b }
const ESCAPES = { n: "\n", t: "\t", r: "\r" }

export class FilterError extends Error {}
function refuse(expected, got, hint = EXAMPLE) {
  return new FilterError(`expected ${expected}, got ${got}. Try: ${hint}`)
}
export const isExpression = (text) => /[<>]|[=!]=|^\s*(`[^`]+`|[\p{L}_][\p{L}\p{N}_]*)\s*=|\b(and|or|not|in)\b/u.test(text)
/** Texts that differ in case only become equal; ß and ss too. */
export const folded = (text) => text.toUpperCase().toLowerCase()

function tokens(text) {
  const found = []
  let at = 0
  const plain = text.trimEnd()
  while (at < plain.length) {
    TOKEN.lastIndex = at
    const one = TOKEN.exec(plain)
    if (!one) throw refuse("a complete expression", `'${text}'`)
    const [, number, quoted, column, word, sign] = one
    if (number !== undefined) found.push({ kind: "number", value: Number(number.replaceAll("_", "")) })
    else if (quoted !== undefined) found.push({ kind: "text",
      value: quoted.slice(1, -1).replace(/\\(.)/gsu, (whole, letter) => ESCAPES[letter] ?? (/["'\\]/.test(letter) ? letter : whole)) })
    else if (column !== undefined) found.push({ kind: "column", value: column })
    else if (word !== undefined) found.push({ kind: "word", value: word })
    else found.push({ kind: "sign", value: sign === "=" ? "==" : sign }) // as people write it
    at = TOKEN.lastIndex
  }
  return found
}

class Reader {
  constructor(text, columns) {
    this.text = text
    this.columns = columns
    this.tokens = tokens(text)
    this.at = 0
    this.depth = 0
  }
  peek(...values) {
    const one = this.tokens[this.at]
    return one && (one.kind === "sign" || one.kind === "word") && values.includes(one.value) ? one.value : ""
  }
  take(...values) {
    const found = this.peek(...values)
    if (found) this.at += 1
    return found
  }
  incomplete() { return refuse("a complete expression", `'${this.text}'`) }

  whole() {
    const made = this.either()
    if (this.at < this.tokens.length) {
      if (this.peek("(")) throw refuse("comparisons, and, or, not, arithmetic, numbers, texts and names of columns", "a call of a function")
      throw this.incomplete()
    }
    if (made.type !== "truth") throw refuse("a comparison", `'${this.text}'`)
    return made.of
  }
  either() { return this.joined("or", () => this.both(), (a, b) => a || b) }
  both() { return this.joined("and", () => this.negated(), (a, b) => a && b) }
  joined(word, part, join) {
    let left = part()
    while (this.take(word)) {
      const a = truth(left).of, b = truth(part()).of
      left = { type: "truth", of: (row) => join(a(row), b(row)) }
    }
    return left
  }
  negated() {
    if (!this.take("not")) return this.compared()
    this.deeper()
    const { of } = truth(this.negated())
    this.depth -= 1
    return { type: "truth", of: (row) => !of(row) }
  }
  compared() {
    let left = this.peek("[", "{") ? this.list() : this.piped()
    let made = null
    for (;;) {
      let sign = this.take("<", "<=", ">", ">=", "==", "!=", "in")
      if (!sign && this.peek("not") && this.tokens[this.at + 1]?.value === "in") { this.at += 2; sign = "not in" }
      if (this.peek("is")) throw refuse("<, <=, >, >=, ==, != or in", "is")
      if (!sign) break
      const right = sign.endsWith("in") ? this.listOr() : this.piped()
      const one = sign.endsWith("in") ? among(left, right) : ordered(sign, left, right)
      const step = sign === "not in" ? (row) => !one(row) : one
      const before = made
      made = before ? (row) => before(row) && step(row) : step
      left = right
    }
    return made ? { type: "truth", of: made } : left
  }
  listOr() {
    if (this.peek("[", "{")) return this.list()
    if (!this.peek("(")) return this.piped()
    const back = this.at
    try {
      return this.list()
    } catch (error) { // brackets around one value are no list
      this.at = back
      return this.piped()
    }
  }
  list() {
    const close = { "(": ")", "[": "]", "{": "}" }[this.take("(", "[", "{")]
    const items = []
    let commas = 0
    while (!this.peek(close)) {
      items.push(this.piped())
      if (this.take(",")) commas += 1
      else break
    }
    if (!this.take(close) || (close === ")" && items.length && !commas)) throw this.incomplete()
    return { type: "list", items }
  }
  piped() { return this.bitwise("|", () => this.anded(), (a, b) => a || b) }
  anded() { return this.bitwise("&", () => this.sum(), (a, b) => a && b) }
  bitwise(sign, part, join) {
    let left = part()
    while (this.take(sign)) {
      const a = truth(left).of, b = truth(part()).of
      left = { type: "truth", of: (row) => join(a(row), b(row)) }
    }
    return left
  }
  sum() { return this.computed(["+", "-"], () => this.product()) }
  product() { return this.computed(["*", "/", "%"], () => this.signed()) }
  computed(signs, part) {
    let left = part()
    for (let sign = this.take(...signs); sign; sign = this.take(...signs)) left = arithmetic(sign, left, part())
    return left
  }
  signed() {
    const sign = this.take("+", "-")
    if (!sign) return this.power()
    this.deeper()
    const { of } = number(this.signed())
    this.depth -= 1
    return { type: "number", of: sign === "-" ? (row) => -of(row) : of }
  }
  power() {
    const base = this.atom()
    return this.take("**") ? arithmetic("**", base, this.signed()) : base
  }
  deeper() {
    this.depth += 1
    if (this.depth > 100) throw refuse("an expression that can be computed", "too many brackets")
  }
  atom() {
    const one = this.tokens[this.at]
    if (!one) throw this.incomplete()
    if (this.take("(")) {
      this.deeper()
      const inside = this.either()
      this.depth -= 1
      if (!this.take(")")) throw this.incomplete()
      return inside
    }
    if (one.kind === "sign") throw this.incomplete()
    if (one.kind === "word" && ["and", "or", "not", "in", "is", "if", "else", "for", "lambda", "None"].includes(one.value)) throw this.incomplete()
    this.at += 1
    if (one.kind === "number" || one.kind === "text") return { type: one.kind, constant: true, of: () => one.value }
    if (one.kind === "word" && (one.value === "True" || one.value === "False")) return { type: "truth", of: () => one.value === "True" }
    return this.column(one.value)
  }
  column(name) {
    const found = this.columns.get(name) ?? this.columns.get([...this.columns.keys()].find((one) => folded(one) === folded(name)))
    if (!found) throw refuse(`one of ${nearest(name, [...this.columns.keys()]).slice(0, 12).join(", ")} …`, `'${name}'`)
    return { type: { number: "number", text: "text", flag: "truth" }[found.kind], column: true, of: (row) => found.at(row) }
  }
}

/** Names by how much of one is in them, the nearest first: by the pairs of letters they share. */
function nearest(name, names) {
  const pairs = (text) => new Set(Array.from({ length: text.length - 1 }, (_, at) => folded(text.slice(at, at + 2))))
  const mine = pairs(name)
  const shared = (other) => { const theirs = pairs(other); return (2 * [...mine].filter((one) => theirs.has(one)).length) / (mine.size + theirs.size || 1) }
  return names.map((one) => [shared(one), one]).sort(([a], [b]) => b - a).map(([, one]) => one)
}
function truth(one) {
  if (one.type === "truth") return one
  throw refuse("comparisons beside and, or, not, & and |", "a value", "(z > 0.1) & (snr < 20), in brackets, or z > 0.1 and snr < 20")
}
function number(one) {
  if (one.type === "number") return one
  if (one.type === "truth") return { type: "number", of: (row) => Number(one.of(row)) }
  throw refuse("numbers to compute with", "a text")
}
function arithmetic(sign, left, right) {
  const a = number(left).of, b = number(right).of
  const of = {
    "+": (row) => a(row) + b(row), "-": (row) => a(row) - b(row), "*": (row) => a(row) * b(row), "/": (row) => a(row) / b(row),
    "%": (row) => { const by = b(row), rest = a(row) % by; return rest && (rest < 0) !== (by < 0) ? rest + by : rest },
    "**": (row) => a(row) ** b(row),
  }[sign]
  return { type: "number", of }
}
function ordered(sign, left, right) {
  if (left.type === "list" || right.type === "list") throw refuse("numbers and texts beside comparisons", "a list")
  if ((left.type === "text") !== (right.type === "text"))
    throw refuse("numbers compared with numbers and texts with texts", "a number beside a text", 'texts go in quotes: mark == "artefact"')
  const a = left.type === "text" ? left.of : number(left).of, b = right.type === "text" ? right.of : number(right).of
  const compare = ORDERED[sign]
  return (row) => compare(a(row), b(row))
}
function among(left, right) {
  if (right.type === "list") {
    const each = right.items.map((one) => ordered("==", left, one))
    return (row) => each.some((one) => one(row))
  }
  if (left.type === "text" && left.constant && right.type === "text" && right.column) {
    const piece = folded(left.of())
    return (row) => folded(right.of(row)).includes(piece)
  }
  throw refuse("a list, or a piece of a text, beside in", "neither", 'mark in ("known", "artefact")')
}

/** Return which rows pass: (row) → boolean. `columns`: name → {kind, at: (row) → value}; throws FilterError. */
export function matching(text, columns) {
  if (text.length > LONGEST) throw refuse(`at most ${LONGEST} characters`, String(text.length))
  return new Reader(text, columns).whole()
}
