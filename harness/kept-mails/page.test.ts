import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderKeptMails } from './page.ts'
import { keptMail } from './test-mails.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const hasChromium = existsSync(executablePath)
const odd = `</script><script>document.title = 'ran'</script><!--<script>\u2028\u2029\0\ud800"'&amp;`

describe('the page as text', () => {
  test('has one script of its own, and no text of a mail ends its data', () => {
    const page = renderKeptMails([keptMail({ subject: odd, html: odd, text: odd, to: [odd], problems: [odd] })])
    expect(page.match(/<script/g)).toHaveLength(3)
    expect(page.match(/<\/script/g)).toHaveLength(3)
    expect(page).not.toMatch(/<!--|[\u2028\u2029\0]/)
    expect(page).not.toMatch(/<link|@import|url\(|(?:src|href)="?https?:/)
  })

  test('says how many mails are not in it', () => {
    expect(renderKeptMails([keptMail()], 12)).toContain('12 more mails')
    expect(renderKeptMails([keptMail()])).not.toContain('more mail')
  })
})

describe.skipIf(!hasChromium)(`the page in Chromium${hasChromium ? '' : ` (skipped: no ${executablePath})`}`, () => {
  let browser: Browser
  let folder: string
  /** Whatever a mail could make the browser connect to. */
  let elsewhere: Server
  let connections = 0
  let url: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kept-mails-page-'))
    elsewhere = createServer((_, response) => response.end('from elsewhere'))
    elsewhere.on('connection', () => {
      connections += 1
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    elsewhere?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(mails: Parameters<typeof renderKeptMails>[0], hash = '', width = 1280): Promise<Page> {
    const path = join(folder, 'kept-mails.html')
    await writeFile(path, renderKeptMails(mails))
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    page.on('pageerror', (error) => expect.fail(error.message))
    await page.goto(`${pathToFileURL(path).href}${hash}`)
    await page.locator('#list li').first().waitFor()
    return page
  }
  const subjects = (page: Page) => page.locator('#list strong').allTextContents()

  test('shows odd texts as they are, and runs no script of a mail', async () => {
    const html = `<img src=x onerror="parent.document.title='ran'"><svg onload="top.document.title='ran'"></svg>
      <a href="javascript:top.document.title='ran'">go</a><iframe srcdoc="<script>top.document.title='ran'</script>"></iframe><p>${odd}</p>`
    const mail = keptMail({
      subject: odd,
      html,
      text: odd,
      to: [`${odd} <a@example.com>`],
      headers: { 'X-<b>': odd },
      tags: [{ name: 'kind', value: odd }],
      links: [odd],
      function: odd,
      problems: [odd],
      failedTests: [odd],
    })
    const page = await open([mail], '#mail=0')
    await page.frameLocator('iframe').getByText('go', { exact: true }).click()
    const shown = odd.replace('\0', '\ufffd').replace('\ud800', '\ufffd')
    const plain = (text: string | null) => text?.replace('\0', '\ufffd').replace('\ud800', '\ufffd')
    expect(plain(await page.locator('#shown h2').textContent())).toBe(shown)
    expect(plain(await page.locator('#shown pre').first().textContent())).toBe(shown)
    expect(await page.locator('#shown dt').allTextContents()).toContain('X-<b>')
    expect(await page.title()).toBe('Mails of the rehearsal (1)')
    expect(await page.locator('#shown iframe').getAttribute('sandbox')).toBe('')
    await page.close()
  })

  test('connects to nothing, whatever a mail holds, and whichever link of it is followed', async () => {
    const html = `<!doctype html><html><head><link rel="stylesheet" href="${url}/a.css"><link rel="preconnect" href="${url}">
      <meta http-equiv="refresh" content="0;url=${url}/refresh"><base href="${url}/"><style>@import "${url}/b.css"; body { background: url(${url}/c.png) }</style></head>
      <body background="${url}/d.png"><img src="${url}/pixel.png" srcset="${url}/e.png 2x" alt="Logo"><video poster="${url}/f.png" src="${url}/g"></video>
      <iframe src="${url}/frame"></iframe><object data="${url}/object"></object><svg><image href="${url}/h.png"/></svg>
      <p><a href="${url}/in-place">in place</a> <a href="${url}/top" target="_top">top</a> <a href="#there">fragment</a></p>
      <template shadowrootmode="open"><link rel="preconnect" href="${url}"></template>
      <form action="${url}/form"><button>send</button></form></body></html>`
    const page = await open([keptMail({ html })], '#mail=0')
    const mail = page.frameLocator('#shown iframe')
    for (const name of ['in place', 'top', 'fragment', 'send']) {
      await mail.getByText(name, { exact: true }).click()
      await mail.getByText(name, { exact: true }).click({ modifiers: ['Shift'] })
    }
    await page.waitForTimeout(300)
    expect(await mail.getByText('in place').count()).toBe(1)
    expect(page.url()).toMatch(/^file:.*#mail=0$/)
    for (const opened of page.context().pages()) expect(opened.url()).toMatch(/^(?:file|about):/)
    expect(connections).toBe(0)
    expect(await page.getByText('1 image was not loaded.').count()).toBe(1)
    await page.close()
  })

  const some = [
    keptMail({ subject: 'one', problems: ['a link without a host'], at: '2026-11-22T12:00:01.000Z' }),
    keptMail({ subject: 'two', side: 'before', bcc: ['Grace@Example.com'], at: '2026-11-22T12:00:03.000Z' }),
    keptMail({ subject: 'three', source: 'auth', failedTests: ['one & all'], at: '2026-11-22T12:00:02.000Z' }),
  ].map((mail) => {
    if (mail.source !== 'auth') return mail
    const { function: _, ...rest } = mail
    return rest
  })

  test('shows what its hash asks for', async () => {
    const page = await open(some)
    const address = page.url()
    for (const [hash, expected] of [
      ['', ['two', 'three', 'one']],
      ['#side=before', ['two']],
      ['#function=Auth', ['three']],
      ['#problem=any', ['one']],
      [`#${new URLSearchParams({ problem: 'a link without a host', function: 'notify' })}`, ['one']],
      [`#${new URLSearchParams({ test: 'one & all' })}`, ['three']],
      ['#text=grace@example', ['two']],
      ['#problem=none+such', []],
    ] as const) {
      await page.goto(`${address}${hash}`)
      await expect.poll(() => subjects(page), { message: hash }).toEqual(expected)
    }
    await page.close()
  })

  test('filters as one types and chooses, opens a mail, and goes back', async () => {
    const page = await open(some, '', 360)
    await page.getByLabel('Search').fill('TWO')
    await page.getByText('1 of 3 mails').waitFor()
    await page.locator('#list a').click()
    expect(await page.locator('#shown dd').allTextContents()).toContain('Grace@Example.com')
    expect(await page.locator('#list').isVisible()).toBe(false)
    await page.goBack()
    expect(await subjects(page)).toEqual(['two'])
    await page.getByLabel('Search').fill('')
    await page.locator('[name=problem]').selectOption('a link without a host (1)')
    await page.getByText('1 of 3 mails').waitFor()
    expect(await subjects(page)).toEqual(['one'])
    await page.close()
  })

  test('lists thousands as they are scrolled to, and opens any of them', async () => {
    const many = Array.from({ length: 3000 }, (_, number) =>
      keptMail({ subject: `mail ${number}`, at: String(number) }),
    )
    const page = await open(many, '#text=mail&mail=2999')
    expect(await page.locator('#list li').count()).toBeLessThan(500)
    expect(await page.locator('#shown h2').textContent()).toBe('mail 0')
    const before = await page.locator('#list li').count()
    await page.locator('#more').scrollIntoViewIfNeeded()
    await expect.poll(() => page.locator('#list li').count()).toBeGreaterThan(before)
    await page.close()
  })

  test('does not scroll sideways, however narrow it is', async () => {
    const long = 'x'.repeat(300)
    const mail = keptMail({ subject: long, text: long, to: [long], links: [long], problems: [long] })
    const page = await open([mail])
    const overflow = () => page.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth)
    for (const width of [320, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await overflow(), `the list at ${width} px`).toBe(0)
      await page.locator('#list a').click()
      expect(await overflow(), `the mail at ${width} px`).toBe(0)
      await page.goBack()
    }
    await page.close()
  })
})
