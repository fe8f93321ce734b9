// What a table is told and tells: named values that can be followed, as those of a widget, but all within the page.

export class Model {
  constructor(values) {
    this.values = values
    this.followers = new Map()
    this.chosen = () => {}
  }
  get(name) { return this.values[name] }
  set(name, value) {
    if (this.values[name] === value) return
    this.values[name] = value
    for (const handler of [...(this.followers.get(`change:${name}`) ?? [])]) handler()
  }
  on(event, handler) {
    if (!this.followers.has(event)) this.followers.set(event, new Set())
    this.followers.get(event).add(handler)
  }
  off(event, handler) { this.followers.get(event)?.delete(handler) }
  save_changes() {}
  send(said, _callbacks, buffers) { this.chosen(new Int32Array(buffers[0].slice(0)), said) }
}
