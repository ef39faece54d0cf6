import { expect, test } from 'vitest'
import { html, raw } from './template.ts'

test('values are escaped, markup and trusted text are not', () => {
  const item = html`<li>${'<b>&"\''}</li>`
  expect(html`<ul class="${'a"b'}">${[item, item]}${raw('<hr>')}</ul>`.text).toBe(
    '<ul class="a&quot;b"><li>&lt;b&gt;&amp;&quot;&#39;</li><li>&lt;b&gt;&amp;&quot;&#39;</li><hr></ul>',
  )
})

test('what is left out leaves nothing behind, and zero stays', () => {
  expect(html`${false}${undefined}${[]}${0}`.text).toBe('0')
})
