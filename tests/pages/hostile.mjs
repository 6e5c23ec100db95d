// Papers are written by strangers. Whatever a title or a commentary holds is shown as text, stays in its place, and runs nothing.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { DARK, PHONE, arrives, assertFits, picture, reader } from "./browser.mjs";
import { Service } from "./service.mjs";

export const about = "hostile";

const RUNS = "<script>window.ran = 'script'</script>";
const LEAVES = `"'><img src=x onerror="window.ran = 'image'"></title></textarea>`;
const MEGABYTE = "x".repeat(1_000_000);
const PILED = "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324".repeat(6);
const PAPERS = [
  { title: `${RUNS} in a title`, arxiv_id: "2605.00001", authors: [LEAVES, "<b>Bold</b>"], tags: [`${LEAVES.slice(0, 30)}`, "hostile"],
    abstract: `An abstract that closes ${LEAVES} and opens ${RUNS}.`, commentary: [`해설에 ${RUNS} 스크립트가 들어 있습니다. {{ 7 * 7 }} \${7 * 7} javascript:alert(1)`],
    url: "javascript:window.ran='link'" },
  { title: "אבג \u202eright to left\u202c من اليمين إلى اليسار", arxiv_id: "2605.00002", authors: ["\u202eKim", "ليلى"], tags: ["عربي", "hostile"],
    abstract: "نص عربي قصير يصف الورقة. \u202eA run that is turned around and never turned back.", commentary: ["방향을 바꾸는 표시 \u202e가 닫히지 않은 해설입니다."] },
  { title: `Combining ${PILED} marks`, arxiv_id: "2605.00003", tags: ["hostile"], abstract: `Marks piled on marks: ${PILED}`, commentary: [`겹친 표시 ${PILED}`] },
  { title: "A long name: " + "가".repeat(2_000) + "W".repeat(2_000), arxiv_id: "2605.00004", tags: ["hostile", "t".repeat(300)], authors: ["N".repeat(500)],
    abstract: "A title that never ends.", commentary: ["해설".repeat(500)] },
];
const LONGEST = { title: "A megabyte without a space", arxiv_id: "2605.00009", tags: ["megabyte"], abstract: "Short.", commentary: [{ language: "en", text: MEGABYTE }] };

const ids = PAPERS.map((paper) => paper.arxiv_id);
const PAGES = ["/?tag=hostile", `/?q=${encodeURIComponent(`${RUNS} ${LEAVES}`)}&floor=none`, `/basket?${ids.map((id) => `id=${id}`).join("&")}`,
  `/?related=${ids[0]}&related=${ids[1]}&related=${ids[3]}&unlike=${ids[2]}`, ...ids.map((id) => `/paper?id=${id}`)];

export const tests = () => {
  let service;
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "paperkin-pages-hostile-"));
    const file = (name, papers) => writeFile(join(folder, name), papers.map((paper) => JSON.stringify(paper)).join("\n"));
    await file(`${RUNS.slice(0, 8)}.jsonl`, PAPERS);
    service = await Service.over(folder);
    // Its thousands of passages take minutes to embed, and are not asked for here.
    await file("megabyte.jsonl", [LONGEST]);
    await service.run("ingest", "--no-embed", join(folder, "megabyte.jsonl"));
    await rm(folder, { recursive: true });
  });
  after(() => service.stop());
  const hostile = () => service;

  reader("markup is shown as it was written, and nothing of it runs", hostile, {}, async (page) => {
    for (const address of PAGES) {
      await page.goto(address);
      assert.equal(await page.evaluate(() => window.ran), undefined, address);
      const [scripts, images, bold] = await page.evaluate(() => [document.scripts.length, document.images.length, document.querySelectorAll("b").length]);
      assert.deepEqual([scripts, images, bold], [1, 0, 0], address);
      assert.equal(await page.locator("[href^='javascript:' i]").count(), 0, address);
    }
    await page.goto(`/paper?id=${ids[0]}`);
    await picture(page, "hostile markup", { fullPage: true });
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), PAPERS[0].title);
    assert.equal(await page.title(), `${PAPERS[0].title} · paperkin`);
    const text = await page.getByRole("main").textContent();
    for (const said of [PAPERS[0].abstract, PAPERS[0].commentary[0], ...PAPERS[0].authors]) assert.ok(text.includes(said), said);
  });

  reader("what is typed is text, too", hostile, {}, async (page) => {
    await page.goto("/");
    await page.getByRole("searchbox").fill(`${RUNS}${LEAVES}`);
    await page.waitForURL(/q=/);
    await arrives(page, () => page.getByRole("searchbox").press("Enter"));
    assert.equal(await page.getByRole("searchbox").inputValue(), `${RUNS}${LEAVES}`);
    assert.equal(await page.evaluate(() => window.ran), undefined);
  });

  reader("text that runs to the left turns nothing around it", hostile, {}, async (page) => {
    await page.goto("/?tag=hostile");
    const hit = page.locator("[data-hit]", { hasText: "من اليمين" });
    await picture(page, "hostile directions");
    assert.equal(await hit.locator("h3").evaluate((title) => getComputedStyle(title).direction), "rtl");
    // The identifier reads from left to right, though it follows an author who never turns back.
    const places = await hit.locator(".facts .id").first().evaluate((id) => {
      const text = document.createTreeWalker(id, NodeFilter.SHOW_TEXT).nextNode();
      const at = (from) => { const range = document.createRange(); range.setStart(text, from); range.setEnd(text, from + 1); return range.getBoundingClientRect().left; };
      return [at(0), at(text.length - 1)];
    });
    assert.ok(places[0] < places[1], `${places}`);
    await page.goto(`/paper?id=${ids[1]}`);
    await picture(page, "hostile directions paper", { fullPage: true });
  });

  for (const [name, options] of [["wide", {}], ["phone", { ...PHONE, ...DARK }]]) {
    reader(`long words and piled marks stay within the page: ${name}`, hostile, options, async (page) => {
      for (const address of PAGES) {
        await page.goto(address);
        await assertFits(page);
      }
      await page.goto("/?tag=hostile");
      await picture(page, `hostile list ${name}`);
      await page.goto(`/paper?id=${ids[2]}`);
      await picture(page, `hostile marks ${name}`);
      await page.goto(`/paper?id=${ids[3]}`);
      await picture(page, `hostile long ${name}`);
    });
  }

  reader("a megabyte without a space is shown whole, within the page", hostile, PHONE, async (page) => {
    await page.goto("/?tag=megabyte");
    await assertFits(page);
    await page.goto(`/paper?id=${LONGEST.arxiv_id}`);
    await assertFits(page);
    assert.equal((await page.locator(".note .text").textContent()).length, MEGABYTE.length);
    await picture(page, "hostile megabyte");
  });
};
