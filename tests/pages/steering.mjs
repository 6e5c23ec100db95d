// Related papers, and papers that steer: more like these, less like those. The address holds them all.

import assert from "node:assert/strict";
import { arrives, picture, reader, titles } from "./browser.mjs";
import { COLBERT, DPO, LORA, PPO } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "steering";

const steered = (page, name) => new URL(page.url()).searchParams.getAll(name);
const hit = (page, title) => page.locator("[data-hit]", { has: page.getByRole("heading", { name: title, exact: true }) });

export const tests = () => {
  reader("related twice in a row, and back", reading, {}, async (page) => {
    await page.goto("/?q=policy+gradient");
    assert.equal((await titles(page))[0], PPO);
    await arrives(page, () => hit(page, PPO).getByRole("link", { name: /^Related/ }).click());
    const tray = page.getByRole("region", { name: "Related to" });
    assert.match(await tray.textContent(), new RegExp(PPO));
    const first = await titles(page);
    assert.ok(!first.includes(PPO), "a paper is not related to itself");
    assert.ok(first.includes(DPO), `${first}`);
    await picture(page, "related");

    await arrives(page, () => hit(page, DPO).getByRole("link", { name: /^Related/ }).click());
    assert.match(await tray.textContent(), new RegExp(DPO));
    assert.doesNotMatch(await tray.textContent(), new RegExp(PPO));
    assert.ok((await titles(page)).includes(PPO));

    await page.goBack();
    assert.deepEqual(await titles(page), first, "the way back is the list as it was");
  });

  reader("more like this and less like this change the list; each is taken out alone", reading, {}, async (page) => {
    await page.goto("/?related=arxiv:1707.06347");
    const before = await titles(page);
    await arrives(page, () => hit(page, DPO).getByRole("link", { name: /^More like this/ }).click());
    const tray = page.getByRole("region", { name: "Papers you steer by" });
    assert.deepEqual(await tray.getByRole("listitem").locator("a:first-of-type").allTextContents(), [PPO, DPO]);
    const unlike = (await titles(page)).at(-1);
    await arrives(page, () => hit(page, unlike).getByRole("link", { name: /^Less like this/ }).click());
    assert.equal(steered(page, "related").length, 2);
    assert.equal(steered(page, "unlike").length, 1);
    assert.ok(!(await titles(page)).includes(unlike), "nor is what it is to be unlike");
    assert.match(await tray.locator(".unliked").textContent(), /Unlike these:/, "the sign is said in words, too");
    await picture(page, "tray");

    await arrives(page, () => tray.getByRole("link", { name: `Remove: ${unlike}` }).click());
    assert.equal(steered(page, "unlike").length, 0);
    await arrives(page, () => tray.getByRole("link", { name: `Remove: ${DPO}` }).click());
    assert.deepEqual(await titles(page), before);
    assert.equal(await page.locator("[data-tray] .remove").count(), 0, "the last one stays: without it there is no list");
  });

  reader("a question steers along with papers; a new one begins anew, under the same filters", reading, {}, async (page) => {
    await page.goto(`/?related=arxiv:1707.06347&q=${encodeURIComponent("검색")}&tag=retrieval`);
    assert.match(await page.locator("[data-tray]").textContent(), new RegExp(PPO));
    assert.ok((await titles(page)).includes(COLBERT));
    await page.getByRole("searchbox").fill("question answering");
    assert.deepEqual(steered(page, "related"), ["arxiv:1707.06347"], "a list is steered until Enter");
    await arrives(page, () => page.getByRole("searchbox").press("Enter"));
    assert.deepEqual([steered(page, "related"), steered(page, "tag")], [[], ["retrieval"]]);
  });

  reader("the tray goes along to the page of a paper", reading, {}, async (page) => {
    await page.goto("/?related=arxiv:1707.06347");
    await arrives(page, () => hit(page, DPO).getByRole("heading").getByRole("link").click());
    await arrives(page, () => page.locator("[data-paper]").getByRole("link", { name: "Less like this" }).click());
    assert.deepEqual([steered(page, "related"), steered(page, "unlike")], [["arxiv:1707.06347"], ["arxiv:2305.18290"]]);
  });

  reader("a paper's page tells what was written about it, in which language, and what is tied to it", reading, { locale: "ko-KR" }, async (page) => {
    await page.goto("/paper?id=arxiv:2106.09685");
    await page.getByRole("heading", { level: 1, name: LORA }).waitFor();
    const notes = page.getByRole("region", { name: "이 논문에 대한 해설" });
    assert.deepEqual(await notes.locator(".text").evaluateAll((all) => all.map((text) => text.lang)), ["ko", "en"]);
    assert.equal(await notes.locator("time").first().getAttribute("datetime"), "2024-06-01");
    assert.equal(await page.getByRole("link", { name: "PDF" }).first().getAttribute("href"), "https://arxiv.org/pdf/2106.09685");
    await picture(page, "paper ko", { fullPage: true });
    await page.goto("/paper?id=arxiv:2103.00020");
    assert.match(await page.getByRole("region", { name: "이 논문을 언급한 논문" }).textContent(), /Segment Anything/);
  });
};
