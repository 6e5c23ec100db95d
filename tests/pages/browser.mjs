// One Chromium for all tests, and a fresh reader in it for each. Whatever a page complains about, an error of a script, a broken rule
// of the content policy, a request to another host, fails the test that saw it; a failure leaves a picture of the page.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { ROOT } from "./service.mjs";

const PICTURES = join(ROOT, "target/pages");
// What a reader waits for before thinking that it is broken; a machine that also builds is slower.
const PATIENCE = 15_000;
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
export const openBrowser = async () => {
  await mkdir(PICTURES, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: QUIET });
};
export const closeBrowser = () => browser?.close();

export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
export const DARK = { colorScheme: "dark" };
export const WIDE = { viewport: { width: 1600, height: 1000 } };

/** A test of a reader with a browser of these `options` at `service()`. A status in `expects` is no complaint. */
export const reader = (name, service, options, steps) => {
  const { expects = [], ...own } = options;
  test(name, async () => {
    const { url } = service();
    const context = await browser.newContext({ baseURL: url, locale: "en-GB", viewport: { width: 1280, height: 800 }, ...own });
    context.setDefaultTimeout(PATIENCE);
    const complaints = [];
    context.on("page", (page) => listen(page, url, expects, complaints));
    const page = await context.newPage();
    try {
      await steps(page);
      assert.deepEqual(complaints, []);
    } catch (error) {
      await page.screenshot({ path: picturePath(`failed ${name}`) }).catch(() => {});
      if (complaints.length > 0) error.message += `\nThe page complained: ${complaints.join("\n")}`;
      throw error;
    } finally {
      await context.close();
    }
  });
};

const listen = (page, url, expects, complaints) => {
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("console", (message) => {
    // Taking a picture of what WebGL draws waits for it, and without a graphics card says so.
    const known = message.text().includes("GPU stall") || expects.some((status) => message.text().includes(`status of ${status}`));
    if (["error", "warning"].includes(message.type()) && !known) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(`${url}/`) && !address.startsWith("blob:") && !address.startsWith("data:")) complaints.push(`asked ${address}`);
  });
};

const picturePath = (name) => join(PICTURES, `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}.png`);

/** Keeps what the page looks like. */
export const picture = (page, name, options = {}) =>
  page.screenshot({ path: picturePath(name), animations: "disabled", ...options });

/** Waits until `look` throws nothing any more, as a reader waits for what is to appear; then says what it said last. */
export const soon = async (look) => {
  for (const ends = Date.now() + PATIENCE; ; await new Promise((later) => setTimeout(later, 30))) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > ends) throw error;
    }
  }
};

/** Does what leads to another page, and waits for it. */
export const arrives = async (page, act) => {
  await Promise.all([page.waitForEvent("load"), act()]);
};

/** The titles of the hits, best first. */
export const titles = (page) => page.locator(".answers [data-hit] h3").allTextContents();

/** Nothing is wider than the window, or a reader has to push the page from side to side. */
export const assertFits = async (page) => {
  const [needs, has] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  const wide = () => page.evaluate(() => [...document.querySelectorAll("body *")]
    .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((part) => part.outerHTML.slice(0, 120)).slice(0, 5));
  if (needs > has) assert.fail(`${needs} px wide in a window of ${has}: ${(await wide()).join("\n")}`);
};
