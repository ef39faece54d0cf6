import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue } from '../../harness/verdict/catalogue/catalogue.ts'
import { toDocument } from '../document.ts'
import { sampleRehearsal } from '../sample.ts'
import { renderHtml } from './page.ts'

const verdicts = ['go', 'no-go', 'inconclusive'] as const
const pages = Object.fromEntries(
  verdicts.map((verdict) => [verdict, renderHtml(toDocument(sampleRehearsal(verdict), catalogue))]),
)
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const hasChromium = existsSync(executablePath)

describe('the page as text', () => {
  test('asks for nothing from outside and has no script', () => {
    for (const page of Object.values(pages)) {
      expect(page).not.toMatch(/<script|<link rel="stylesheet"|@import|url\(|on(?:click|load)=/)
      expect(page.replace("xmlns='http://www.w3.org/2000/svg'", '')).not.toMatch(/https?:\/\//)
    }
  })

  test('lets no text of a finding become markup', () => {
    const rehearsal = sampleRehearsal('no-go')
    const evil = rehearsal.findings.map((finding) => ({
      ...finding,
      title: '<img src=x onerror=alert(1)>',
      evidence: ['</pre><script>'],
    }))
    const page = renderHtml(toDocument({ ...rehearsal, findings: evil }, catalogue))
    expect(page).not.toMatch(/<img|<script/)
  })
})

describe.skipIf(!hasChromium)(`the page in Chromium${hasChromium ? '' : ` (skipped: no ${executablePath})`}`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    })
  })
  afterAll(() => browser?.close())

  /** Opens the page and fails on any message of the console and any request. */
  async function open(verdict: string, width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const noise: string[] = []
    page.on('console', (message) => noise.push(message.text()))
    page.on('pageerror', (error) => noise.push(error.message))
    page.on('request', (request) => {
      if (!/^(?:about|data):/.test(request.url())) noise.push(request.url())
    })
    await page.setContent(pages[verdict] ?? '', { waitUntil: 'load' })
    expect(noise).toEqual([])
    return page
  }

  test.each([
    ['go', 'GO', 'No harm was found'],
    ['no-go', 'NO-GO', '3 findings block the deploy'],
    ['inconclusive', 'INCONCLUSIVE', 'No verdict could be reached'],
  ])('says %s in its banner, and why', async (verdict, word, reason) => {
    const page = await open(verdict, 1280)
    expect(await page.locator('h1 > span').allTextContents()).toEqual([expect.any(String), word])
    expect(await page.locator('header .reason').textContent()).toContain(reason)
    expect(await page.title()).toContain(word)
    expect(await page.locator('#metrics article').count()).toBe(5)
    expect(await page.locator('main').count()).toBe(1)
    await page.close()
  })

  test.each([360, 768, 1280])('does not scroll sideways at %i px, with everything unfolded', async (width) => {
    const page = await open('no-go', width)
    await page.locator('details').evaluateAll((all) => {
      for (const each of all) each.setAttribute('open', '')
    })
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(overflow).toBe(0)
    await page.close()
  })

  test('shows a blocking finding and its line to paste without a click, and folds the evidence', async () => {
    const page = await open('no-go', 1280)
    expect(await page.getByText('-- greenlight: expects access.rows-gained public.profiles to anon').isVisible()).toBe(
      true,
    )
    expect(await page.getByText('Before: 0 rows. After: 2,003 rows.').isVisible()).toBe(false)
    await page.getByText('Evidence (3 lines)').first().click()
    expect(await page.getByText('Before: 0 rows. After: 2,003 rows.').isVisible()).toBe(true)
    await page.close()
  })

  test('opens the phases of the plan with a failure', async () => {
    const page = await open('no-go', 1280)
    const opened = await page.locator('.phase[open] > summary > span:first-child').allTextContents()
    expect(opened).toEqual(['Phase 3: Data Integrity Fixes'])
    await page.close()
  })

  test('prints what is folded, and is dark on a dark page in the dark', async () => {
    const page = await open('no-go', 794, 'dark')
    const luminance = () =>
      page.evaluate<number>(
        'getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b)',
      )
    expect(await luminance()).toBeLessThan(120)
    await page.emulateMedia({ media: 'print' })
    expect(await luminance()).toBe(765)
    expect(await page.getByText('Before: 0 rows. After: 2,003 rows.').isVisible()).toBe(true)
    await page.close()
  })

  test.each(['light', 'dark'] as const)('has enough contrast for text (4.5 : 1) when %s', async (scheme) => {
    const page = await open('no-go', 1280, scheme)
    expect(await page.evaluate(weakContrast)).toEqual([])
    await page.close()
  })
})

/** Run in the page: texts whose colour is too close to the first solid background behind them. */
const weakContrast = `(() => {
  const rgba = (text) => text.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (style.backgroundImage !== 'none') return undefined
      const color = rgba(style.backgroundColor)
      if (color.length === 3 || color[3] === 1) return color
    }
    return [255, 255, 255]
  }
  const weak = new Set()
  for (const element of document.querySelectorAll('main *, nav *, footer')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue
    const back = behind(element)
    if (!back) continue
    const [one, other] = [luminance(rgba(getComputedStyle(element).color)), luminance(back)].sort((a, b) => b - a)
    if ((one + 0.05) / (other + 0.05) < 4.5) weak.add(element.className + ': ' + element.textContent.trim().slice(0, 30))
  }
  return [...weak]
})()`
