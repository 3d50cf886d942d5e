// browser.mjs - Chromium, as people have it who look at our pages.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const startBrowser = ({ args = [], ...more } = {}) => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-background-networking', ...args], ...more,
})

/**
 * A page of somebody's, without JavaScript but where a test's own script looks at it; whatever it loads comes from `origin`, its policy of
 * contents stops nothing, and it asks nothing. `page.answer` is what came.
 */
export async function opensIn(browser, origin, path, { locale = 'en-US', dark = false, wide = false, looked = false } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: looked, bypassCSP: looked, ignoreHTTPSErrors: true, locale, colorScheme: dark ? 'dark' : 'light', viewport: wide ? { width: 1280, height: 800 } : { width: 390, height: 780 },
  })
  const page = await context.newPage()
  page.on('request', one => assert.ok(one.url().startsWith(origin), one.url()))
  page.on('console', message => assert.doesNotMatch(message.text(), /Content Security Policy|Refused to/))
  page.on('dialog', dialog => assert.fail(dialog.message()))
  page.answer = await page.goto(origin + path)
  return page
}

/** SHOTS=DIR keeps pictures for who wants to look at them. */
export async function shows(page, name) {
  if (!process.env.SHOTS) return
  mkdirSync(process.env.SHOTS, { recursive: true })
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true })
}
