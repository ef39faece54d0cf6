// The page of kept mails, in the browser. What a mail holds becomes text of the page, or the document of a frame that may
// do nothing; the list and each mail are made when they are looked at. The hash holds what is shown.
const read = (id) => JSON.parse(document.getElementById(id).textContent)
const mails = read('mails')
const filters = document.getElementById('filters')
const list = document.getElementById('list')
const shown = document.getElementById('shown')
const count = document.getElementById('count')
const more = document.getElementById('more')
const wide = matchMedia('(min-width: 62rem)')
const batch = 100

const words = mails.map(() => undefined)
let state = new URLSearchParams()
let found = []
let listed = 0
let listedBy
let scrolled = 0

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

const say = (number) => `${number.toLocaleString('en')} ${number === 1 ? 'mail' : 'mails'}`

const visible = (html = '') => {
  const parsed = new DOMParser().parseFromString(html, 'text/html')
  for (const hidden of parsed.querySelectorAll('style, script, title')) hidden.remove()
  return parsed.body.textContent
}

/** Everything of a mail that is searched, in lower case; read when somebody first searches. */
function wordsOf(number) {
  if (words[number] === undefined) {
    const { fields, html, text, links } = read(`mail-${number}`)
    const { subject, problems } = mails[number]
    const parts = [subject, fields.flat().join('\n'), text ?? visible(html), links.join('\n'), problems.join('\n')]
    words[number] = parts.join('\n').toLowerCase()
  }
  return words[number]
}

/** The hash with changes; an empty value takes a part away. */
function hashWith(changes) {
  const next = new URLSearchParams(state)
  for (const [key, value] of Object.entries(changes)) {
    if (value === '') next.delete(key)
    else next.set(key, value)
  }
  return `#${next}`
}

function fits(number) {
  const { side, sender, problems, failedTests } = mails[number]
  const wanted = (key) => state.get(key) ?? ''
  const is = (key, values) => wanted(key) === '' || values.includes(wanted(key))
  if (!is('side', [side]) || !is('function', [sender]) || !is('test', failedTests)) return false
  if (!is('problem', problems.length > 0 ? ['any', ...problems] : [])) return false
  const terms = wanted('text').toLowerCase().split(/\s+/).filter(Boolean)
  return terms.every((term) => wordsOf(number).includes(term))
}

function row(number) {
  const { side, sender, at, recipients, subject, problems } = mails[number]
  const link = make('a', { href: hashWith({ mail: String(number) }), 'data-mail': String(number) })
  link.append(
    make('strong', {}, subject || '(no subject)'),
    make('time', {}, at),
    make('span', { class: 'meta' }, recipients.join(', ')),
    make('span', { class: 'meta end' }, `${sender}, ${side}`),
    ...problems.map((problem) => make('span', { class: 'problem' }, problem)),
  )
  return make('li', {}, link)
}

function listMore() {
  const end = Math.min(found.length, listed + batch)
  list.append(...found.slice(listed, end).map(row))
  listed = end
  more.hidden = listed === found.length
  more.textContent = `Show more (${found.length - listed} left)`
  mark()
}

function mark() {
  list.querySelector('[aria-current]')?.removeAttribute('aria-current')
  list.querySelector(`[data-mail="${Number(state.get('mail') ?? -1)}"]`)?.setAttribute('aria-current', 'true')
}

/** A mail's HTML for its frame: nothing that runs, loads or connects, and links that lead nowhere. */
function harmless(html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html')
  for (const element of parsed.querySelectorAll(
    'script, link, base, meta[http-equiv], iframe, frame, object, embed, template',
  ))
    element.remove()
  // A frame without allow-popups opens no other, and in place the mail would be gone. Who opens a link in a new window
  // all the same gets an empty one: it may be good for one time only.
  for (const element of parsed.querySelectorAll('a, area, form')) {
    element.setAttribute('target', '_blank')
    for (const name of ['href', 'xlink:href', 'action', 'ping']) {
      const to = element.getAttribute(name)
      if (to === null) continue
      element.setAttribute(name, 'about:blank')
      if (name !== 'ping' && !element.hasAttribute('title')) element.setAttribute('title', to)
    }
  }
  parsed.head.prepend(
    make('meta', {
      'http-equiv': 'Content-Security-Policy',
      content: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'",
    }),
    make('meta', { 'http-equiv': 'x-dns-prefetch-control', content: 'off' }),
    make('meta', { name: 'referrer', content: 'no-referrer' }),
  )
  const remote = [...parsed.images].filter((image) => !/^data:/i.test(image.getAttribute('src') ?? 'data:')).length
  return { document: `${parsed.doctype ? '<!doctype html>' : ''}${parsed.documentElement.outerHTML}`, remote }
}

const part = (title, ...content) => [make('h3', {}, title), ...content]
const note = (text) => make('p', { class: 'note' }, text)
const pre = (text) => make('pre', {}, text)

function htmlParts(html) {
  if (html === undefined) return [note('This mail has no HTML part.')]
  const { document: content, remote } = harmless(html)
  const frame = make('iframe', { sandbox: '', referrerpolicy: 'no-referrer', title: 'The mail as it is rendered' })
  frame.srcdoc = content
  const images = remote === 0 ? '' : ` ${remote} ${remote === 1 ? 'image was' : 'images were'} not loaded.`
  return [frame, note(`Without scripts and without network; links lead nowhere here.${images}`)]
}

function sourcePart(html) {
  if (html === undefined) return []
  const source = make('details', { class: 'source' }, make('summary', {}, 'HTML source'))
  source.addEventListener('toggle', () => source.append(pre(html)), { once: true })
  return [source]
}

/** The links to the mails beside this one, of those that were found. */
function beside(number) {
  const at = found.indexOf(number)
  const link = (to, text) => (to === undefined ? [] : [make('a', { href: hashWith({ mail: String(to) }) }, text)])
  const near = at === -1 ? [] : [...link(found[at - 1], '‹ Newer'), ...link(found[at + 1], 'Older ›')]
  return make(
    'nav',
    { 'aria-label': 'Mails' },
    make('a', { href: hashWith({ mail: '' }), class: 'back' }, '← All mails'),
    ...near,
  )
}

function open(number) {
  const { side, subject, problems, failedTests } = mails[number]
  const { fields, html, text, links } = read(`mail-${number}`)
  const told = [['Side', side === 'before' ? 'before: production as it was' : 'after: with the migrations'], ...fields]
  shown.replaceChildren(
    beside(number),
    make('h2', { tabindex: '-1' }, subject || '(no subject)'),
    ...problems.map((problem) => make('p', { class: 'problem' }, `It has ${problem}`)),
    ...failedTests.map((test) => note(`Sent while this test failed: ${test}`)),
    make('dl', {}, ...told.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)])),
    ...part('HTML', ...htmlParts(html)),
    ...part(
      'Text',
      text === undefined
        ? note('This mail has no text part; Resend makes one from the HTML.')
        : text === ''
          ? note('The text part is empty.')
          : pre(text),
    ),
    ...part('Links', links.length === 0 ? note('None.') : pre(links.join('\n'))),
    ...sourcePart(html),
  )
}

function show() {
  const number = Number(state.get('mail') ?? Number.NaN)
  const wasOpen = document.body.classList.contains('open')
  const isOpen = mails[number] !== undefined
  if (!wasOpen) scrolled = scrollY
  document.body.classList.toggle('open', isOpen)
  if (isOpen) open(number)
  else shown.replaceChildren(note('Choose a mail from the list.'))
  shown.scrollTop = 0
  if (!wide.matches) {
    scrollTo(0, isOpen ? 0 : scrolled)
    if (isOpen) shown.querySelector('h2').focus({ preventScroll: true })
  }
  mark()
}

/** Shows what the hash says. */
function render() {
  state = new URLSearchParams(location.hash.slice(1))
  for (const control of filters.elements) {
    if (!control.name) continue
    const value = state.get(control.name) ?? ''
    if (control.value.trim() === value) continue
    // What no mail has is asked for nonetheless, and shows none.
    if (control.options && ![...control.options].some((option) => option.value === value))
      control.append(make('option', { value }, value))
    control.value = value
  }
  const by = hashWith({ mail: '' })
  if (by !== listedBy) {
    found = [...mails.keys()].filter(fits)
    const all = say(mails.length)
    count.textContent =
      found.length === mails.length ? `${all}, newest first` : `${found.length.toLocaleString('en')} of ${all}`
    list.replaceChildren()
    list.parentElement.scrollTop = 0
    listed = 0
    listedBy = by
    listMore()
    if (found.length === 0)
      list.append(make('li', { class: 'none' }, 'No mail fits. ', make('a', { href: '#' }, 'Show all mails')))
  }
  show()
}

const valuesOf = (read) =>
  [...Map.groupBy(mails.flatMap(read), (value) => value)].sort(([one], [other]) => (one < other ? -1 : 1))
for (const [name, values] of Object.entries({
  side: valuesOf(({ side }) => side),
  function: valuesOf(({ sender }) => sender),
  problem: valuesOf(({ problems }) => problems),
  test: valuesOf(({ failedTests }) => failedTests),
})) {
  const control = filters.elements[name]
  for (const [value, all] of values) control.append(make('option', { value }, `${value} (${all.length})`))
  control.parentElement.hidden = name === 'test' && values.length === 0
}
const bad = mails.filter(({ problems }) => problems.length > 0).length
filters.elements.problem.options[1].textContent = `Any problem (${bad})`

let waiting
const filter = () => {
  const values = Object.fromEntries([...new FormData(filters)].map(([name, value]) => [name, value.trim()]))
  history.replaceState(null, '', hashWith({ ...values, mail: '' }))
  render()
}
filters.addEventListener('submit', (event) => event.preventDefault())
filters.addEventListener('input', ({ target }) => {
  clearTimeout(waiting)
  waiting = setTimeout(filter, target.type === 'search' ? 200 : 0)
})
more.addEventListener('click', listMore)
new IntersectionObserver(([entry]) => entry.isIntersecting && listMore()).observe(more)
addEventListener('hashchange', render)
render()
