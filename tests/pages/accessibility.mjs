// axe-core finds no violation of WCAG 2.2 A or AA on any page, in light and dark, wide and on a phone, in each language of the
// interface. What axe cannot see (focus, keys, the order of reading) is in keyboard.mjs.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import axe from "axe-core";
import { DARK, PHONE, picture, reader, soon, titles } from "./browser.mjs";
import { reading } from "./reading.mjs";
import { Service } from "./service.mjs";

export const about = "accessibility";

const PAGES = [
  "/", "/?q=attention", "/?q=qwxz+jjkv+zzzq", "/?q=model&tag=efficiency&tag=alignment&not_lang=ja&from=2015&has_commentary=true", "/?tag=vision&sort=date",
  "/?related=arxiv:1707.06347", "/?related=arxiv:1707.06347&related=arxiv:2305.18290&unlike=arxiv:1512.03385&q=검색",
  "/paper?id=arxiv:2106.09685", "/paper?id=arxiv:2304.02643", "/basket", "/basket?id=arxiv:2106.09685&id=arxiv:1707.06347", "/days", "/days?day=2026-05-02", "/library", "/map", "/paper?id=arxiv:2301.99999",
];
// One of each kind: what changes with colours and room is the style's, not the content's.
const KINDS = [
  "/", "/?related=arxiv:1707.06347&related=arxiv:2305.18290&unlike=arxiv:1512.03385&tag=alignment&tag=rlhf&q=검색", "/?q=qwxz+jjkv+zzzq",
  "/paper?id=arxiv:2106.09685", "/basket?id=arxiv:2106.09685", "/days", "/library", "/map",
];
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const assertClean = async (page, where) => {
  // Debugging's way in: the content policy lets no script of others into the page.
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate((values) => {
    const rules = { "target-size": { enabled: true } };
    return window.axe.run(document, { runOnly: { type: "tag", values }, rules, resultTypes: ["violations"] });
  }, LEVELS);
  assert.ok(passes.length > 10, `axe looked at ${where}`);
  const told = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.failureSummary}`));
  assert.deepEqual(told, [], where);
};

export const tests = () => {
  let service;
  before(async () => {
    const nothing = await mkdtemp(join(tmpdir(), "paperkin-pages-nothing-"));
    service = await Service.over(nothing);
    await rm(nothing, { recursive: true });
  });
  after(() => service.stop());

  for (const [name, pages, options] of [
    ["light", PAGES, {}],
    ["dark, in Korean", KINDS, { ...DARK, locale: "ko-KR" }],
    ["on a phone, in Chinese", KINDS, { ...PHONE, locale: "zh-CN" }],
  ]) {
    reader(`no violation: ${name}`, reading, { ...options, expects: [404] }, async (page) => {
      for (const address of pages) {
        await page.goto(address);
        await assertClean(page, address);
      }
    });
  }

  reader("no violation: the API", reading, {}, async (page) => {
    await page.goto("/docs");
    await assertClean(page, "/docs");
  });

  reader("no violation: without a script", reading, {}, async (page) => {
    // Without any script axe would not run either.
    await page.route("**/assets/*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    for (const address of ["/", "/?q=attention", "/paper?id=arxiv:2106.09685", "/library", "/map"]) {
      await page.goto(address);
      await assertClean(page, address);
    }
  });

  reader("no violation: the keys, a kept paper, and answers that came while typing", reading, DARK, async (page) => {
    await page.goto("/");
    await page.getByRole("searchbox").fill("attention");
    await page.waitForURL(/q=attention/);
    assert.ok((await titles(page)).length > 0);
    await page.getByRole("button", { name: /^Keep/ }).first().click();
    await assertClean(page, "kept");
    await page.getByRole("button", { name: /Keyboard/ }).click();
    await assertClean(page, "keys");
    await picture(page, "keys dark");
  });

  reader("no violation: the map, with papers chosen and found", reading, {}, async (page) => {
    await page.goto("/map?q=attention");
    await page.locator("[data-found-count]", { hasText: /\d/ }).waitFor();
    await page.locator("[data-marks]").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-chosen-heading]").waitFor();
    await assertClean(page, "map");
  });

  reader("no violation: an empty library", () => service, {}, async (page) => {
    await page.goto("/");
    await page.getByRole("heading", { name: "Nothing to search yet" }).waitFor();
    await assertClean(page, "empty");
    await picture(page, "empty library");
    const main = page.getByRole("main");
    assert.equal(await main.getByRole("link").getAttribute("href"), "/library");
    assert.match(await main.locator("pre").textContent(), /^paperkin ingest --library \S*paperkin-pages-\S+ /, "into this library");
    for (const address of ["/", "/library"]) {
      await page.goto(address);
      assert.equal(await page.locator(".caution").count(), 0, "nothing is amiss");
    }
  });

  reader("the map of an empty library says so at once, and computes nothing", () => service, {}, async (page) => {
    let asked = 0;
    await page.route("**/v1/map", (route) => {
      asked += 1;
      return route.fulfill({ status: 202, json: { state: "computing", done: 0 } });
    });
    await page.goto("/map");
    await page.getByText("Nothing to search yet").waitFor();
    // Who asks again has read the first answer.
    await soon(async () => assert.ok(asked > 1));
    assert.ok(await page.getByText("Nothing to search yet").isVisible());
    assert.equal(await page.getByText("being computed").count(), 0);
  });
};
