import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

/**
 * Pictures of a report, for the README and for looking at them: `node reports/html/screenshot.ts report.html folder`.
 * Makes desktop.png, top.png, phone.png, dark.png and print.pdf. CHROMIUM overrides /usr/bin/chromium.
 */
const [report = 'reports/out/report.html', folder = 'reports/out/pictures'] = process.argv.slice(2)
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const views = [
  { name: 'top', width: 1280, height: 900, colorScheme: 'light', fullPage: false },
  { name: 'desktop', width: 1280, height: 900, colorScheme: 'light', fullPage: true },
  { name: 'dark', width: 1280, height: 900, colorScheme: 'dark', fullPage: true },
  { name: 'phone', width: 360, height: 780, colorScheme: 'light', fullPage: true },
] as const

await mkdir(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
try {
  for (const { name, width, height, colorScheme, fullPage } of views) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme })
    await page.goto(pathToFileURL(resolve(report)).href)
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage })
    await page.close()
  }
  const page = await browser.newPage()
  await page.goto(pathToFileURL(resolve(report)).href)
  await page.pdf({ path: join(folder, 'print.pdf'), format: 'A4', printBackground: false })
} finally {
  await browser.close()
}
