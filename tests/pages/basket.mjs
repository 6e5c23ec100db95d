// Keeping papers and taking them away. The browser remembers which; its address names them, so that a basket can be shared.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { arrives, picture, reader, soon } from "./browser.mjs";
import { DPO, LORA, PPO } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "basket";

const kept = (page) => page.locator("[data-hit] h3").allTextContents();
const saved = async (page, link) => {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
};

export const tests = () => {
  reader("papers are kept on a list and on their page, counted, and wait for the reader", reading, {}, async (page) => {
    await page.goto("/?q=human+preference");
    const keep = page.locator("[data-hit]", { hasText: DPO }).getByRole("button", { name: /Keep/ });
    assert.equal(await keep.getAttribute("aria-pressed"), "false");
    await keep.click();
    assert.equal(await keep.getAttribute("aria-pressed"), "true");
    assert.equal(await page.locator("[data-basket-count]").textContent(), "1");
    assert.equal(await page.locator("[data-status]").textContent(), "Kept", "said to those who do not see it");

    await page.goto("/paper?id=arxiv:2106.09685");
    await page.locator("[data-paper]").getByRole("button", { name: "Keep" }).click();
    await arrives(page, () => page.getByRole("link", { name: /^Basket/ }).click());
    assert.deepEqual(await kept(page), [DPO, LORA]);
    assert.equal(new URL(page.url()).searchParams.getAll("id").length, 2, "a basket is an address");
    await picture(page, "basket");

    // Another page of the same browser knows it, and hears of what changes.
    const other = await page.context().newPage();
    await other.goto("/");
    assert.equal(await other.locator("[data-basket-count]").textContent(), "2");
    await page.locator("[data-hit]", { hasText: DPO }).getByRole("button", { name: /Kept/ }).click();
    await soon(async () => assert.equal(await other.locator("[data-basket-count]").textContent(), "1"));
    await arrives(page, () => page.getByRole("button", { name: "Empty the basket" }).click());
    await page.getByRole("heading", { name: "The basket is empty" }).waitFor();
    assert.ok(await page.locator("[data-basket-count]").isHidden());
  });

  reader("a basket is shared by its address, and a paper that is gone is no harm", reading, {}, async (page) => {
    await page.goto("/basket?id=arxiv:1707.06347&id=arxiv:2301.99999&id=1707.06347");
    assert.deepEqual(await kept(page), [PPO]);
  });

  reader("what was kept is taken away in every format", reading, {}, async (page) => {
    await page.goto("/basket?id=arxiv:2106.09685&id=arxiv:1707.06347");
    const file = (name) => saved(page, page.getByRole("link", { name, exact: true }));
    const bibtex = await file("BibTeX");
    assert.match(bibtex.name, /\.bib$/);
    assert.equal(bibtex.text.match(/^@/gm).length, 2);
    const ris = await file("RIS");
    assert.match(ris.name, /\.ris$/);
    assert.equal(ris.text.match(/^ER {2}-/gm).length, 2);
    assert.deepEqual(JSON.parse((await file("CSL-JSON")).text).map((item) => item.title).sort(), [LORA, PPO]);
    assert.match((await file("Markdown")).text, /얇은 행렬/);
    // A line a record: the abstract and each note come from files of their own.
    const lines = (await file("JSON Lines")).text.trim().split("\n").map((line) => JSON.parse(line).title);
    assert.deepEqual([...new Set(lines)].sort(), [LORA, PPO]);
  });

  reader("a citation is copied", reading, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await page.goto("/paper?id=arxiv:1707.06347");
    const copy = page.getByRole("button", { name: "Copy citation" });
    await copy.click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /Schulman.*2017.*Proximal Policy Optimization/s);
    await copy.waitFor();

    // Twice in a row; then the button is as it was.
    await page.goto("/basket?id=arxiv:1707.06347");
    const button = page.locator("[data-copy]");
    const before = await button.innerHTML();
    await button.dblclick();
    await soon(async () => assert.match(await button.textContent(), /^Copied/));
    await soon(async () => assert.equal(await button.innerHTML(), before));
  });

  reader("a browser that may not remember anything loses nothing else", reading, {}, async (page) => {
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get: () => { throw new DOMException("forbidden", "SecurityError"); } });
      }
    });
    await page.goto("/?related=arxiv:1707.06347");
    await page.getByRole("button", { name: /^Keep/ }).first().click();
    await arrives(page, () => page.getByRole("link", { name: /^Basket/ }).click());
    await page.getByRole("heading", { name: "The basket is empty" }).waitFor();
  });
};
