// The page's side of FigurePane: loads BokehJS once a page, draws the document, and keeps it in step with the kernel.

const page = (window.__specanomPanes ??= { queue: Promise.resolve(), loaded: new Set() })

// Notebook 7 takes the arrow keys of a slider in focus for moving between cells, unless the slider itself says no. The
// slider of a figure may stand in an output of its own, so one listener looks after all outputs of the page.
const ARROWS = "[role=slider], [role=listbox], select, input"
page.keys ??= document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.(ARROWS) && target.closest(".jp-OutputArea")) {
    target.setAttribute("data-lm-suppress-shortcuts", "true")
  }
}) ?? true

// What the pointer tells stands in the page itself, out of reach of a figure's own styles, and bokeh's boxes are white:
// they take the colours of the figure the pointer is over.
const BOXES = {
  light: { "--tooltip-color": "#ffffff", "--tooltip-text": "#1c2128", "--tooltip-border": "#9aa2ad", "--names": "#5b6470" },
  dark: { "--tooltip-color": "#272e37", "--tooltip-text": "#e6e9ee", "--tooltip-border": "#6f7883", "--names": "#a3abb6" },
}
function dress(box) {
  for (const [name, value] of Object.entries(BOXES[page.pointed] ?? BOXES.light)) box.style.setProperty(name, value)
  box.style.setProperty("--tooltip-arrow-color", "var(--tooltip-color)")
  if (!box.shadowRoot || box.shadowRoot.querySelector("style.specanom")) return
  const names = Object.assign(document.createElement("style"), { className: "specanom" })
  names.textContent = ".bk-tooltip-row-label { color: var(--names) }"
  box.shadowRoot.append(names)
}
page.boxes ??= new MutationObserver(changes => {
  if (!page.pointed) return  // a figure of somebody else
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node.classList?.contains("bk-Tooltip")) dress(node)
  }
})
page.boxes.observe(document.body, { childList: true })

const unzip = bytes => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text()

function runScript(text) {
  return new Promise((resolve, reject) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
    const script = Object.assign(document.createElement("script"), { src: url, async: false })
    script.onload = () => { URL.revokeObjectURL(url); resolve() }
    script.onerror = () => reject(new Error("the page does not allow BokehJS to run (content security policy)"))
    document.head.append(script)
  })
}

// The bundles are models of their own, shared by all panes; a page that cannot find them asks the kernel.
function askKernel(model) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      model.off("msg:custom", answer)
      reject(new Error("the kernel did not send BokehJS within a minute; run the cell again"))
    }, 60000)
    function answer(message, buffers) {
      if (message.k !== "js") return
      clearTimeout(timer)
      model.off("msg:custom", answer)
      resolve(new Map(message.names.map((name, i) => [name, buffers[i]])))
    }
    model.on("msg:custom", answer)
    model.send({ k: "js" })
  })
}

const installed = version =>
  window.Bokeh?.[version] ?? (window.Bokeh?.version === version ? window.Bokeh : null)

async function load(model) {
  const version = model.get("_bokeh")
  let answered = null
  for (const [name, id] of model.get("_runtime")) {
    if (page.loaded.has(`${version} ${name}`) || (name === "bokeh" && installed(version))) continue
    let bytes = null
    try { bytes = (await model.widget_manager.get_model(id)).get("gz") } catch { /* asked for below */ }
    if (!bytes?.byteLength) bytes = (answered ??= await askKernel(model)).get(name)
    const text = await unzip(bytes)
    // A page with an AMD loader would swallow the script's exports.
    const amd = window.define
    try {
      if (amd?.amd) window.define = undefined
      await runScript(text)
    } finally {
      if (amd?.amd) window.define = amd
    }
    page.loaded.add(`${version} ${name}`)
  }
  return installed(version)
}

function bokehjs(model) {  // one pane loads at a time; one that fails does not spoil the next
  const loading = page.queue.then(() => load(model))
  page.queue = loading.catch(() => {})
  return loading
}

function isDark() {
  const light = document.body.dataset.jpThemeLight
  if (light !== undefined) return light === "false"
  return matchMedia("(prefers-color-scheme: dark)").matches
}

const buffersById = (ids, buffers) => new Map((ids ?? []).map((id, i) => {
  const view = buffers[i]
  return [id, view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)]
}))

class View {
  constructor(model, el) {
    this.model = model
    this.el = el
    this.name = Math.random().toString(36).slice(2)
    this.doc = null
    this.number = -1     // of the last patch this view has
    this.revision = -1   // of the snapshot it was drawn from
    this.live = false    // the kernel has confirmed what is shown
    this.asked = false   // whether the whole document is on its way after a gap
    this.gone = false
    this.applying = false
    this.outgoing = []
    this.timer = null
    this.sent = 0        // when changes were sent last
    this.steps = Promise.resolve()  // messages are handled strictly in order
    el.classList.add("specanom-pane")
    el.style.width = "100%"
    el.setAttribute("role", "figure")
    el.setAttribute("aria-label", model.get("label"))
    this.note("drawing …")
  }

  note(text) {
    const p = document.createElement("p")
    p.textContent = text
    p.className = "specanom-pane-note"
    this.el.replaceChildren(p)
  }

  fail(error) {
    console.error("specanom: figure", error)
    this.note(`The figure cannot be drawn: ${error.message}`)
  }

  then(step) {
    this.steps = this.steps.then(() => this.gone ? null : step()).catch(error => this.fail(error))
  }

  send(message, buffers) {
    try {
      this.model.send({ ...message, view: this.name }, undefined, buffers)
    } catch (error) {  // the connection is gone: the page is being left, or the kernel ended, which the keys tell
      console.warn("specanom: not sent to Python", error)
    }
  }

  hello() {
    this.send({ k: "init", rev: this.revision, n: this.number, dark: isDark() })
  }

  snapshot() {  // drawn without asking the kernel, which may be busy with a long cell
    if (this.live || !this.Bokeh) return
    const snap = this.model.get("_snap")
    if (!snap?.content) return  // the figure is still being made: the next one has it
    this.then(() => {
      if (this.live || snap.n < this.number) return null
      this.revision = snap.rev
      return this.build(snap, snap.buffers)
    })
  }

  async build(message, buffers) {
    const zoomed = this.zoomed()
    this.drop()
    this.number = message.n
    const { Document } = this.Bokeh.require("document")
    const { add_document_standalone } = this.Bokeh.require("embed/standalone")
    const doc = Document.from_json(JSON.parse(message.content), undefined, buffersById(message.ids, buffers))
    this.doc = doc
    const roots = doc.all_roots.map(() => Object.assign(document.createElement("div"), { style: "width: 100%" }))
    this.el.replaceChildren(...roots)
    await add_document_standalone(doc, this.el, roots)
    if (this.gone || this.doc !== doc) return
    for (const [id, { start, end }] of zoomed) {
      const range = doc.get_model_by_id(id)
      if (!range) continue
      range.have_updated_interactively = true
      range.setv({ start, end })
    }
    doc.on_change(this.push)
    this.el.dataset.ready = String(Number(this.el.dataset.ready ?? 0) + 1)
  }

  zoomed() {  // ranges that follow their data until somebody zooms, which only the page knows
    const models = this.doc?.all_roots.flatMap(root => [...root.references()]) ?? []
    return models.filter(model => model.have_updated_interactively).map(({ id, start, end }) => [id, { start, end }])
  }

  // A change made in the page; the latest of each property is sent. What was selected goes at once, as do changes after a
  // rest: before the page paints, which takes long with many points. The others go in one message each 20 ms.
  push = event => {
    if (this.applying || event.sync === false) return
    if (event.kind === "ModelChanged") {
      this.outgoing = this.outgoing.filter(one =>
        !(one.kind === event.kind && one.model === event.model && one.attr === event.attr))
    }
    this.outgoing.push(event)
    const rest = event.attr === "indices" ? 0 : this.sent + 20 - performance.now()
    if (rest <= 0) queueMicrotask(() => this.flush())
    else this.timer ??= setTimeout(() => this.flush(), rest)
  }

  flush() {
    clearTimeout(this.timer)
    this.timer = null
    if (!this.doc || !this.outgoing.length) return
    this.sent = performance.now()
    const { Buffer } = this.Bokeh.require("core/serialization/buffer")
    const ids = [], buffers = []
    const patch = this.doc.create_json_patch(this.outgoing.splice(0))
    const content = JSON.stringify(patch, (_key, value) => {
      if (!(value instanceof Buffer)) return value
      const id = String(ids.length)
      ids.push(id)
      buffers.push(value.buffer)
      return { id }
    })
    this.send({ k: "patch", content, ids }, buffers)
  }

  patch(message, buffers) {
    if (!this.doc || message.n <= this.number) return  // the answer to hello() or the next snapshot has it
    if (message.n > this.number + 1) {  // a gap: ask once; what comes has this patch too
      if (this.live && !this.asked) this.hello()
      this.asked = this.live
      return
    }
    this.number = message.n
    if (message.skip === this.name) return
    this.applying = true
    try {
      this.doc.apply_json_patch(JSON.parse(message.content), buffersById(message.ids, buffers))
    } catch (error) {
      console.warn("specanom: a change could not be applied, asking for the whole figure", error)
      this.number = -1
      this.hello()
    } finally {
      this.applying = false
    }
  }

  received = (message, buffers) => {
    if (message.k === "patch") return this.then(() => this.patch(message, buffers))
    if (message.view !== this.name) return
    if (message.k === "live") this.live = true
    if (message.k === "doc") {
      this.live = true
      this.asked = false
      this.then(() => this.build(message, buffers))
    }
  }

  drop() {
    clearTimeout(this.timer)
    this.timer = null
    this.outgoing = []
    const doc = this.doc
    if (!doc) return
    this.doc = null
    doc.remove_on_change(this.push)
    doc.views_manager?.clear?.()
    doc.clear({ sync: false })
    const place = this.Bokeh.documents.indexOf(doc)
    if (place >= 0) this.Bokeh.documents.splice(place, 1)
  }

  async start() {
    this.Bokeh = await bokehjs(this.model)
    if (!this.Bokeh) throw new Error("BokehJS did not load")
    this.snapshot()
    this.then(() => this.hello())
  }

  remove() {
    this.gone = true
    this.drop()
    this.send({ k: "bye" })
  }
}

function render({ model, el }) {
  const view = new View(model, el)
  const onSnapshot = () => view.snapshot()
  model.on("msg:custom", view.received)
  model.on("change:_snap", onSnapshot)
  const over = () => { page.pointed = model.get("theme") }
  const out = () => { page.pointed = null }
  el.addEventListener("pointermove", over, true)
  el.addEventListener("pointerleave", out)
  const onTheme = new MutationObserver(() => view.send({ k: "theme", dark: isDark() }))
  onTheme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] })
  view.start().catch(error => view.fail(error))
  return () => {
    onTheme.disconnect()
    el.removeEventListener("pointermove", over, true)
    el.removeEventListener("pointerleave", out)
    model.off("msg:custom", view.received)
    model.off("change:_snap", onSnapshot)
    view.remove()
  }
}

export default { render }
