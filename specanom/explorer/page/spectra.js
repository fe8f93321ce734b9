// Spectra and what else a card needs: loaded a few at a time with scripts beside the page, unpacked when looked at.
import { bytes } from "./rows.js"

const KEPT = 12 // chunks; more are asked for anew

export class Cards {
  constructor(ids, size) {
    this.places = new Map(ids.map((id, at) => [id, Math.floor(at / size)]))
    this.chunks = new Map() // number → promise of a map from id to card
    this.waiting = new Map()
    window.specanomCards = (number, cards) => this.waiting.get(number)?.(cards)
  }
  has(id) { return this.places.has(id) }
  async of(id) {
    const number = this.places.get(id)
    if (number === undefined) return null
    const cards = await this.chunk(number)
    return cards.get(id) ?? null
  }
  chunk(number) {
    if (!this.chunks.has(number)) {
      while (this.chunks.size >= KEPT) this.chunks.delete(this.chunks.keys().next().value)
      this.chunks.set(number, new Promise((resolve, reject) => {
        const script = document.createElement("script")
        const end = () => { script.remove(); this.waiting.delete(number) }
        this.waiting.set(number, (cards) => { end(); resolve(new Map(cards)) })
        script.onerror = () => { end(); this.chunks.delete(number); reject(new Error(`data/cards-${number}.js cannot be read`)) }
        script.src = `data/cards-${number}.js`
        document.head.append(script)
      }))
    }
    return this.chunks.get(number)
  }
}

async function inflated(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** The planes of one spectrum: flux f, model m, noise s, flags g, each an array of numbers. */
export async function unpacked(spectrum, pixels) {
  const planes = await inflated(bytes(spectrum.bytes)), made = {}
  ;[...spectrum.parts].forEach((letter, at) => {
    const start = at * 2 * pixels, values = new Float32Array(pixels)
    let sum = 0
    for (let i = 0; i < pixels; i++) {
      const folded = planes[start + i] | (planes[start + pixels + i] << 8)
      sum = ((sum + ((folded >>> 1) ^ -(folded & 1))) << 16) >> 16
      values[i] = sum === -32768 ? NaN : letter === "s" ? Math.exp(sum * 0.01) : letter === "g" ? sum : sum * spectrum.step
    }
    made[letter] = values
  })
  return made
}
