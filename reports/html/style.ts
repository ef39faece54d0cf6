/**
 * The whole style sheet: system fonts, no image but signs, one column on a phone. Paper gets what a reader needs, folded
 * or not, without a background; long tables stay folded there, their summaries have the counts.
 */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --line: #dfe2e8; --text: #16191f; --soft: #565d6b; --code: #eef0f4;
  --good: #0b6b3a; --good-soft: #e2f5ea; --bad: #b3172b; --bad-soft: #fdeaec; --open: #7a5200; --open-soft: #fdf2d8;
  --note: #1c57b5; --note-soft: #e7effc; --shadow: 0 1px 2px rgb(20 25 35 / .06), 0 4px 16px rgb(20 25 35 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101318; --card: #181c23; --line: #2c323d; --text: #e8ebf0; --soft: #a3abb9; --code: #222833;
    --good: #5fd698; --good-soft: #12301f; --bad: #ff8b96; --bad-soft: #3a161b; --open: #f2c261; --open-soft: #352809;
    --note: #8db8ff; --note-soft: #15253f; --shadow: none;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
.wrap { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
a { color: var(--note); }
:focus-visible { outline: 3px solid var(--note); outline-offset: 2px; border-radius: 4px; }
h1, h2, h3, p, ul, dl { margin: 0; }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -.01em; margin: 0 0 14px; display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 12px; }
h2 small { font-size: .9rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
h3 { font-size: 1rem; line-height: 1.4; }
section { margin: 44px 0; scroll-margin-top: 16px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; }
code { background: var(--code); padding: .1em .35em; border-radius: 4px; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 8px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 16px; top: 8px; background: var(--card); padding: 8px 12px; z-index: 1; }

.banner { color: #fff; padding: 40px 0 36px; }
.banner.go { background: #0a6b3b; background: linear-gradient(160deg, #0b7a43, #075230); }
.banner.no-go { background: #a5142a; background: linear-gradient(160deg, #b3172b, #7c0d1f); }
.banner.inconclusive { background: #6b4a00; background: linear-gradient(160deg, #7d5700, #563b00); }
.banner .product { font-size: .88rem; font-weight: 600; letter-spacing: .02em; opacity: .92; }
.banner h1 { display: flex; align-items: center; gap: 18px; font-size: clamp(2.1rem, 8.5vw, 4rem); line-height: 1.05; letter-spacing: -.02em; margin: 12px 0 14px; overflow-wrap: normal; }
.banner h1 .sign { flex: none; width: 1.5em; height: 1.5em; border-radius: 50%; background: rgb(255 255 255 / .16); border: 3px solid rgb(255 255 255 / .8); display: grid; place-items: center; font-size: .58em; line-height: 1; }
.banner .reason { font-size: 1.18rem; line-height: 1.5; max-width: 62em; }
.banner dl { display: flex; flex-wrap: wrap; gap: 10px 32px; margin-top: 24px; font-size: .9rem; }
.banner dt { opacity: .85; font-size: .8rem; }
.banner dd { margin: 0; font-weight: 600; }

nav { border-bottom: 1px solid var(--line); background: var(--card); }
nav ul { display: flex; flex-wrap: wrap; gap: 2px 20px; list-style: none; padding: 10px 0; font-size: .92rem; }
nav a { display: inline-block; padding: 4px 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }

.cards { display: grid; grid-template-columns: repeat(6, 1fr); gap: 16px; }
.cards > * { grid-column: span 2; }
.cards > :nth-child(n + 4) { grid-column: span 3; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); padding: 18px 20px; min-width: 0; }
.metric { border-top: 5px solid var(--tone); display: flex; flex-direction: column; gap: 10px; }
.metric .top { display: flex; justify-content: space-between; align-items: flex-start; gap: 12px; }
.metric .summary { font-size: .95rem; }
.figures { display: flex; flex-wrap: wrap; gap: 8px 22px; margin-top: auto; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { font-size: .76rem; color: var(--soft); }
.figures dd { margin: 0; font-size: 1.25rem; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.25; }
.good { --tone: var(--good); --tone-soft: var(--good-soft); }
.bad { --tone: var(--bad); --tone-soft: var(--bad-soft); }
.open { --tone: var(--open); --tone-soft: var(--open-soft); }
.note { --tone: var(--note); --tone-soft: var(--note-soft); }
.calm { --tone: var(--soft); --tone-soft: var(--code); }
.tag { flex: none; display: inline-block; color: var(--tone); background: var(--tone-soft); border-radius: 999px; padding: 1px 10px; font-size: .82rem; font-weight: 650; white-space: nowrap; }

details > summary { cursor: pointer; }
details.fold { border-top: 1px solid var(--line); padding-top: 8px; font-size: .92rem; }
details.fold > summary { color: var(--note); }
.checks { list-style: none; padding: 0; margin: 8px 0 0; display: grid; gap: 8px; font-size: .9rem; }
.checks li { display: grid; grid-template-columns: 1.2em 1fr; gap: 6px; }
.checks b { color: var(--tone); }

.finding { border-left: 5px solid var(--tone); margin: 12px 0 0; display: grid; gap: 10px; }
.finding .top { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; font-size: .88rem; }
.finding h4 { margin: 0; font-size: 1.06rem; line-height: 1.4; }
.finding dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; font-size: .95rem; }
.finding dt { color: var(--soft); }
.finding dd { margin: 0; min-width: 0; }
.group { margin-top: 26px; }
.rest { margin-top: 12px; padding-top: 12px; padding-bottom: 12px; }
.rest .card { box-shadow: none; }
.lines { list-style: none; padding: 0; display: grid; gap: 8px; font-size: .95rem; }
.lines details { font-size: .88rem; }
.group-head { display: flex; gap: 10px; align-items: baseline; }

.phase { background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin-top: 10px; }
.phase > summary { display: grid; grid-template-columns: auto 1fr auto; align-items: center; gap: 4px 12px; padding: 12px 16px; font-weight: 600; list-style: none; }
.phase > summary::-webkit-details-marker { display: none; }
.phase > summary::before { content: "▸"; color: var(--soft); transition: transform .15s; }
.phase[open] > summary::before { transform: rotate(90deg); }
.phase > summary .tags { display: flex; flex-wrap: wrap; gap: 4px; }
.items { list-style: none; margin: 0; padding: 0 16px 8px; }
.items li { display: grid; grid-template-columns: 6.6em 1fr; gap: 2px 14px; padding: 11px 0; border-top: 1px solid var(--line); align-items: start; }
.items .tag { justify-self: start; }
.items .proof { color: var(--soft); font-size: .92rem; }
.progress { display: flex; height: 12px; border-radius: 999px; overflow: hidden; background: var(--code); margin-bottom: 8px; }
.progress span { background: var(--tone); flex: var(--share) 0 0; }
.progress span + span { border-left: 2px solid var(--page); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; padding: 0; font-size: .9rem; margin-bottom: 16px; }
.legend b { color: var(--tone); }

.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: break-word; }
caption { text-align: left; padding: 10px 14px 2px; color: var(--soft); font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: 9px 14px; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .82rem; white-space: nowrap; }
tbody th { font-weight: 500; }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.stack > * + * { margin-top: 14px; }

.bars { display: grid; gap: 9px; }
.bar { display: grid; grid-template-columns: 9em 1fr 6em; gap: 12px; align-items: center; font-size: .93rem; }
.bar .track { height: 14px; border-radius: 4px; background: var(--code); }
.bar .track span { display: block; height: 100%; min-width: 2px; border-radius: 4px; background: var(--tone); width: var(--share); }
.bar .why { grid-column: 2 / -1; color: var(--soft); font-size: .86rem; margin-top: -6px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 8px 20px; font-size: .93rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; min-width: 0; }
footer { color: var(--soft); font-size: .88rem; padding: 0 0 40px; }

@media (max-width: 960px) {
  .cards { grid-template-columns: 1fr 1fr; }
  .cards > *, .cards > :nth-child(n + 4) { grid-column: auto; }
}
@media (max-width: 640px) {
  .cards { grid-template-columns: 1fr; }
  .wrap { padding: 0 16px; }
  section { margin: 34px 0; }
  .banner { padding: 26px 0 24px; }
  .banner .reason { font-size: 1.05rem; }
  .banner dl { gap: 10px 22px; }
  .finding dl, .facts { grid-template-columns: 1fr; gap: 2px; }
  .finding dt:not(:first-child), .facts dt:not(:first-child) { margin-top: 8px; }
  .items li { grid-template-columns: 1fr; }
  .phase > summary { grid-template-columns: auto 1fr; }
  .phase > summary .tags { grid-column: 2; }
  .bar { grid-template-columns: 1fr auto; gap: 2px 12px; }
  .bar .track { grid-column: 1 / -1; grid-row: 2; }
  .bar .why { grid-column: 1 / -1; margin: 0; }
  .cells thead { position: absolute; clip-path: inset(50%); }
  .cells, .cells caption, .cells tbody, .cells tr, .cells th, .cells td { display: block; }
  .cells tr { border-top: 1px solid var(--line); padding: 10px 14px; }
  .cells tbody tr:first-child { border-top: 0; }
  .cells th, .cells td { border: 0; padding: 1px 0; text-align: left; white-space: normal; }
  .cells td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: var(--soft); }
  .cells td:empty { display: none; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --line: #c9cdd5; --text: #000; --soft: #444; --code: #f2f3f5;
    --good: #0b6b3a; --good-soft: #fff; --bad: #b3172b; --bad-soft: #fff; --open: #7a5200; --open-soft: #fff; --note: #1c57b5; --note-soft: #fff; --shadow: none;
  }
  @page { margin: 14mm; }
  html { font-size: 11.5px; }
  body { font-size: 11.5px; line-height: 1.4; }
  .banner h1 { font-size: 3rem; }
  .card { padding: 8px 12px; }
  .items li { padding: 4px 0; }
  th, td { padding: 4px 8px; }
  .wrap { max-width: none; padding: 0; }
  nav, .skip { display: none; }
  .banner, .banner.go, .banner.no-go, .banner.inconclusive { background: none; color: #000; border: 3px solid; padding: 14px 18px; }
  .banner.go { border-color: var(--good); } .banner.no-go { border-color: var(--bad); } .banner.inconclusive { border-color: var(--open); }
  .banner h1 .sign { border-color: #000; }
  section { margin: 22px 0; }
  h2, h3, .finding .top { break-after: avoid; }
  .items li, .lines li, .checks li, tr, .bar { break-inside: avoid; }
  .tag { border: 1px solid; }
  .progress, .bar .track span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .phase::details-content, .fold::details-content, .rest::details-content { content-visibility: visible; display: block; block-size: auto; }
  .lines details { display: none; }
  .phase > summary::before { content: none; }
  .phase > summary { grid-template-columns: 1fr auto; }
  .cards { grid-template-columns: 1fr; }
  .cards > *, .cards > :nth-child(n + 4) { grid-column: auto; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; scroll-behavior: auto !important; } }
`
