/* Draws the figures of a tutorial when they come near the window, in the colours of the page, and again when these change. */
(() => {
  const { dark, untold, pointed } = window.specanomColours
  const root = document.documentElement
  const theme = () => root.dataset.theme === "dark" ? "dark" : "light"
  const places = new Set()

  // What bokeh has without being told, such as white paper, a document does not tell.
  function darkened(text) {
    return JSON.parse(text.replace(/#[0-9a-f]{6}\b/g, colour => dark[colour] ?? colour), (_, value) => {
      if (value?.type === "object" && untold[value.name]) {
        value.attributes = { ...untold[value.name], ...value.attributes }
      }
      return value
    })
  }

  function draw(place) {
    const { document: text, roots } = window.specanomFigures[place.dataset.figure]
    const docs = theme() === "dark" ? darkened(text) : JSON.parse(text)
    place.replaceChildren()
    for (const [docid, { roots: models }] of Object.entries(docs)) {
      const divs = {}
      for (const { id } of models.filter(({ id }) => roots.includes(id))) {
        const div = place.appendChild(document.createElement("div"))
        div.id = `${place.dataset.figure}-${id}`
        div.style.display = "contents"
        divs[id] = div.id
      }
      Bokeh.embed.embed_items(docs, [{ docid, roots: divs, root_ids: Object.keys(divs) }])
    }
    place.style.minHeight = ""
    place.dataset.drawn = theme()
  }

  function load(place) {
    const script = document.createElement("script")
    script.src = place.dataset.file
    script.onload = () => { places.add(place); draw(place) }
    document.head.append(script)
  }

  // Boxes with what the pointer tells lie in the page itself, out of reach of the colours of a figure.
  const dressed = document.head.appendChild(document.createElement("style"))
  function dress() {
    const { paper, ink, names, border } = pointed[theme()]
    dressed.textContent = `.bk-Tooltip { --tooltip-color: ${paper}; --tooltip-arrow-color: ${paper}; `
      + `--tooltip-text: ${ink}; --tooltip-border: ${border}; --names: ${names} }`
  }
  new MutationObserver(changes => {
    for (const { addedNodes } of changes) for (const box of addedNodes) {
      if (!box.classList?.contains("bk-Tooltip") || !box.shadowRoot) continue
      const style = document.createElement("style")
      style.textContent = ".bk-tooltip-row-label { color: var(--names) }"
      box.shadowRoot.append(style)
    }
  }).observe(root, { childList: true, subtree: true })

  Bokeh.set_log_level("warn")
  dress()
  new MutationObserver(() => {
    dress()
    for (const place of places) if (place.dataset.drawn !== theme()) draw(place)
  }).observe(root, { attributeFilter: ["data-theme"] })
  const near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) { near.unobserve(target); load(target) }
  }, { rootMargin: "600px" })
  for (const place of document.querySelectorAll(".drawn")) near.observe(place)
})()
