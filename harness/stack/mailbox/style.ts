/** What all pages with mails look like. */
export const mailStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5a6470; --line: #d9dee4; --paper: #fff; --wash: #f5f7f9; --accent: #1f6feb; --bad: #b3261e; --good: #1a7f37 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa5b1; --line: #333a42; --paper: #14181d; --wash: #1c2229; --accent: #6cb0ff; --bad: #ff8a80; --good: #6fdd8b } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 1.25rem; margin: .25rem 0 .5rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.25rem 0 .4rem }
a { color: var(--accent) }
p.note, time, .meta { color: var(--soft); font-size: .875rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; margin: 0; font-size: .9rem } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
iframe { width: 100%; height: 28rem; border: 1px solid var(--line); border-radius: 6px; background: #fff; color-scheme: light }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: .85rem }
`
