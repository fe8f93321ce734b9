// The keyboard of one dashboard, its help, and names for screen readers. Everything is undone when the view goes.

const SHUT = "data-lm-suppress-shortcuts" // JupyterLab and Notebook leave keys alone when the element in focus has it
const OWN = {                             // what uses which keys itself
  "[role=slider]": ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"],
  "[role=grid], [role=grid] *": ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End",
    "Enter", " "],
  "select, [role=listbox] *, [role=menu] *, input[type=radio]": ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight",
    "PageUp", "PageDown", "Home", "End", "Enter", " "],
  "button, summary, a[href], input[type=checkbox], [role=button]": ["Enter", " "],
}
const TEXT = /^(text|search|number|email|url|tel|password|date|time|datetime-local|month|week|color|)$/
let serial = 0

function typing(target) {
  if (target.isContentEditable || target.tagName === "TEXTAREA") return true
  return target.tagName === "INPUT" && TEXT.test(target.getAttribute("type") ?? "")
}
function taken(target, key) {
  if (typing(target)) return true
  if (target.tagName === "SELECT" && key.length === 1) return true // a menu searches its options by letters
  return Object.entries(OWN).some(([selector, keys]) => keys.includes(key) && target.matches(selector))
}
function pageIsDark() {
  const light = document.body.dataset.jpThemeLight
  return light != null ? light === "false" : matchMedia("(prefers-color-scheme: dark)").matches
}
function make(tag, name, text) {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text) made.textContent = text
  return made
}

// -- names for what ipywidgets leaves without one ---------------------------------------------------------------------
function labelOf(box) {
  const label = box.querySelector(":scope > .widget-label, :scope > label")
  return (label?.textContent ?? "").trim()
}
function name(element, text) {
  if (text && element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text)
}
function nameAll(root) {
  for (const handle of root.querySelectorAll(".noUi-handle")) {
    const box = handle.closest(".widget-inline-hbox, .widget-inline-vbox, .jupyter-widgets")
    const both = box?.querySelectorAll(".noUi-handle") ?? []
    const end = both.length === 2 ? (handle === both[0] ? ", lower end" : ", upper end") : ""
    const label = box ? labelOf(box) || box.title : ""
    if (label) name(handle, label + end)
  }
  for (const readout of root.querySelectorAll(".widget-readout[contenteditable=true]")) {
    const label = labelOf(readout.parentElement)
    readout.setAttribute("role", "textbox")
    if (label) name(readout, `${label}, value`)
  }
  for (const group of root.querySelectorAll(".widget-toggle-buttons, .widget-radio")) {
    const label = labelOf(group)
    const box = group.querySelector(".widget-toggle-buttons-container, .widget-radio-box, :scope > div")
    if (box && label) {
      box.setAttribute("role", group.matches(".widget-radio") ? "radiogroup" : "group")
      name(box, label)
    }
  }
  for (const header of root.querySelectorAll(".jupyter-widget-Collapse-header")) { // a div that only the mouse opens
    const open = String(header.parentElement.classList.contains("jupyter-widget-Collapse-open"))
    if (header.getAttribute("role") !== "button") {
      header.setAttribute("role", "button")
      header.tabIndex = 0
    }
    if (header.getAttribute("aria-expanded") !== open) header.setAttribute("aria-expanded", open)
  }
  for (const toggle of root.querySelectorAll(".widget-toggle-button, .widget-toggle-buttons button")) {
    const pressed = String(toggle.classList.contains("mod-active"))
    if (toggle.getAttribute("aria-pressed") !== pressed) toggle.setAttribute("aria-pressed", pressed)
  }
  for (const control of root.querySelectorAll("select, input, textarea, .widget-button, [role=progressbar]")) {
    const text = control.matches("select, textarea") ? "" : control.textContent.trim()
    if (control.getAttribute("aria-label") || control.labels?.length || text) continue
    const box = control.closest(".jupyter-widgets")
    name(control, (box && labelOf(box)) || control.title || control.placeholder || box?.title || "")
  }
}

// -- the help ---------------------------------------------------------------------------------------------------------
function openHelp(root, rows, undo) {
  const open = root.querySelector(":scope > dialog.specanom-help")
  if (open) return open.close()
  const before = document.activeElement
  const dialog = make("dialog", "specanom-help")
  const title = make("h3", "", "Keyboard")
  title.id = `specanom-help-${++serial}`
  dialog.setAttribute("role", "dialog")
  dialog.setAttribute("aria-modal", "true")
  dialog.setAttribute("aria-labelledby", title.id)
  const list = make("dl")
  for (const [, key, words] of [...rows, ["?", "?", "show or hide this help"], ["Tab", "Tab", "next control"]]) {
    const term = make("dt")
    term.append(make("kbd", "", key))
    list.append(term, make("dd", "", words || key))
  }
  const shut = make("button", "specanom-help-close", "Close")
  shut.type = "button"
  shut.setAttribute(SHUT, "true")
  dialog.append(title, list, shut)
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation()
    if (event.key === "?" || event.key === "Escape") { event.preventDefault(); dialog.close() }
  })
  dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target === shut) dialog.close() })
  const gone = () => {
    undo.delete(gone)
    dialog.remove()
    if (before?.isConnected) before.focus({ preventScroll: true })
  }
  dialog.addEventListener("close", gone)
  undo.add(gone)
  root.append(dialog)
  dialog.showModal()
  shut.focus()
}

// -- presses on their way to Python: one at a time; repeats of a key held down are dropped meanwhile ---------------------
function postman(model) {
  const waiting = []
  let press = 0, out = null, timer = null
  const next = () => {
    clearTimeout(timer)
    out = waiting.shift() ?? null
    if (out === null) return
    out = { kind: "key", name: out, press: `${press++}-${Math.random().toString(36).slice(2, 8)}` }
    model.send(out)
    timer = setTimeout(next, 4000) // the kernel may have been interrupted: a lost answer must not mute the keyboard
  }
  const onMessage = (content) => { if (out && content?.kind === "done" && content.press === out.press) next() }
  model.on("msg:custom", onMessage)
  return {
    post(key, repeated) {
      if (repeated && out !== null) return
      waiting.push(key)
      if (out === null) next()
    },
    end() { clearTimeout(timer); model.off("msg:custom", onMessage) },
  }
}

// -- whether Python is there: after a click or key it must answer, else the page says so --------------------------------
const PATIENCE = 8000 // ms
function watchPython(root, model, listen, undo) {
  if (root.parentElement?.closest(".specanom-dashboard")) return // the dashboard around it watches
  const notice = make("div", "specanom-silent",
    "Python does not answer: it is busy, or has ended. Marks made now may be lost.")
  notice.setAttribute("role", "alert")
  let timer = null
  const answered = () => { clearTimeout(timer); timer = null; notice.remove() }
  const silent = () => { timer = null; if (!notice.isConnected) root.prepend(notice) }
  const ask = () => {
    if (timer !== null) return
    timer = setTimeout(silent, PATIENCE)
    try { model.send({ kind: "there?" }) } catch { clearTimeout(timer); silent() }
  }
  const onMessage = (content) => { if (content?.kind === "here" || content?.kind === "done") answered() }
  model.on("msg:custom", onMessage)
  for (const kind of ["pointerup", "keyup"]) listen(root, kind, ask, true)
  undo.add(() => { answered(); model.off("msg:custom", onMessage) })
}

function attach(root, model, undo) {
  const post = postman(model)
  undo.add(() => post.end())
  const listen = (target, kind, handler, capture) => {
    target.addEventListener(kind, handler, capture)
    undo.add(() => target.removeEventListener(kind, handler, capture))
  }
  watchPython(root, model, listen, undo)
  const help = () => openHelp(root, model.get("_help"), undo)
  listen(root, "keydown", (event) => {
    const target = event.composedPath()[0]
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if ((event.key === "Enter" || event.key === " ") && target.matches(".jupyter-widget-Collapse-header")) {
      event.preventDefault()
      event.stopPropagation()
      target.click()
      return
    }
    const known = event.key === "?" || model.get("_help").some(([key]) => key === event.key)
    if (!known || taken(target, event.key)) return
    event.preventDefault()
    event.stopPropagation()
    if (event.key === "?") help()
    else post.post(event.key, event.repeat)
  })
  listen(root, "specanom-help", help)
  if (!root.hasAttribute("tabindex")) root.tabIndex = -1 // a click on a figure leaves the keyboard with the dashboard
  listen(root, "focusin", (event) => event.target.setAttribute(SHUT, "true"), true)
  listen(root, "pointerdown", (event) => {
    const inside = root.contains(document.activeElement) && document.activeElement !== document.body
    if (!inside && event.target.closest("canvas, .bk-Canvas, .figpane, [class*=bk-], .specanom-pane")) {
      root.focus({ preventScroll: true })
    }
    const tab = event.target.closest(".lm-TabBar-tab, [role=tab]") // tabs let no click give them the keyboard
    if (tab?.closest(".specanom-dashboard") === root) root.focus({ preventScroll: true })
  }, true)
  // What is hidden while it has the keyboard leaves it to the dashboard, not to the notebook, where 1 makes a heading.
  listen(root, "focusout", (event) => {
    if (event.relatedTarget) return
    const left = () => document.activeElement === document.body && root.isConnected && document.hasFocus()
    setTimeout(() => {
      if (left() && event.target.isConnected && !event.target.checkVisibility()) root.focus({ preventScroll: true })
    })
  })
  const watch = new MutationObserver(() => { watch.takeRecords(); queue() })
  let queued = 0
  const queue = () => { queued ||= requestAnimationFrame(() => { queued = 0; nameAll(root) }) }
  watch.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] })
  undo.add(() => { watch.disconnect(); cancelAnimationFrame(queued) })
  nameAll(root)

  const colour = () => {
    const chosen = model.get("theme")
    const dark = chosen === "dark" || (chosen === "auto" && pageIsDark())
    root.classList.toggle("specanom-dark", dark)
    root.classList.toggle("specanom-light", !dark)
  }
  const page = new MutationObserver(colour)
  page.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] })
  const media = matchMedia("(prefers-color-scheme: dark)")
  listen(media, "change", colour)
  model.on("change:theme", colour)
  undo.add(() => { page.disconnect(); model.off("change:theme", colour) })
  colour()
}

function render({ model, el }) {
  el.classList.add("specanom-keys")
  const button = make("button", "specanom-keys-button", "?")
  button.type = "button"
  button.title = "Keyboard shortcuts (?)"
  button.setAttribute("aria-label", "Keyboard shortcuts")
  button.setAttribute("aria-haspopup", "dialog")
  el.append(button)
  const undo = new Set()
  let root = null, frame = 0
  button.addEventListener("click", () => root?.dispatchEvent(new CustomEvent("specanom-help")))
  const find = () => { // the view is put into its dashboard some time after it is made
    root = el.isConnected ? el.closest(".specanom-dashboard") : null
    if (root) attach(root, model, undo)
    else frame = requestAnimationFrame(find)
  }
  find()
  return () => {
    cancelAnimationFrame(frame)
    for (const one of [...undo]) one()
    undo.clear()
    el.replaceChildren()
  }
}
export default { render }
