// What is in the library, and how more comes in: files dropped on the page are read, refused records are told with their line, and
// what was read is found.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { DARK, PHONE, arrives, assertFits, picture, reader, soon, titles } from "./browser.mjs";
import { SAMPLE } from "./corpus.mjs";
import { Service } from "./service.mjs";

export const about = "library";

const GOOD = [
  { title: "Scaling Laws for Neural Language Models", arxiv_id: "2001.08361", date: "2020-01-23", tags: ["scaling"], abstract: "Loss falls as a power law in parameters, data and compute." },
  { title: "Training Compute-Optimal Large Language Models", arxiv_id: "2203.15556", date: "2022-03-29", tags: ["scaling"], commentary: ["연산량이 정해져 있다면 모델 크기와 데이터를 같은 비율로 늘려야 한다는 결과입니다."] },
];
const LINES = [JSON.stringify(GOOD[0]), `{"title": ["no", "text"], "abstract": "<b>bad</b>"}`, JSON.stringify(GOOD[1])].join("\n");
const NOTE = `https://arxiv.org/abs/2005.14165

*Language Models are Few-Shot Learners* (Tom B. Brown, Benjamin Mann)

参数足够多之后，只给几个例子，模型不用微调就能完成新的任务。

#few-shot
`;

/** Drags files over the page and lets them go, as a file manager does. */
const drop = async (page, files) => {
  const dragged = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, text } of files) transfer.items.add(new File([text], name));
    return transfer;
  }, files);
  await page.dispatchEvent("[data-drop]", "dragenter", { dataTransfer: dragged });
  assert.match(await page.locator("[data-drop]").getAttribute("class"), /over/, "the page shows that it takes them");
  await picture(page, "library drag");
  await page.dispatchEvent("[data-drop]", "drop", { dataTransfer: dragged });
};

export const tests = () => {
  let service;
  before(async () => { service = await Service.over(SAMPLE); });
  after(() => service.stop());
  const library = () => service;
  const upload = (page, name) => page.locator("[data-uploads] > li", { hasText: name });

  reader("files are dropped: what was read is told, what was refused with its line and why, and all is found", library, {}, async (page) => {
    await page.goto("/");
    await arrives(page, () => page.getByRole("link", { name: "Library" }).click());
    await picture(page, "library", { fullPage: true });
    await drop(page, [{ name: "laws <i>.jsonl", text: LINES }, { name: "200528 GPT-3.md", text: NOTE }]);
    const laws = upload(page, "laws <i>.jsonl");
    await laws.locator(".told", { hasText: "2 new" }).waitFor();
    assert.match(await laws.locator(".told").textContent(), /1 refused/);
    assert.match(await laws.locator(".refused li").textContent(), /line 2: .*title/i);
    await laws.locator(".told", { hasText: "can be found" }).waitFor();
    await upload(page, "200528 GPT-3.md").locator(".told", { hasText: "can be found" }).waitFor();
    // Another reader of this library may have sent a paper meanwhile.
    await soon(async () => assert.ok(Number(await page.locator(".figures dd").first().textContent()) >= 21, "what is in it is counted again"));
    await picture(page, "library dropped");

    await page.goto(`/?q=${encodeURIComponent("정해진 연산량에서 모델 크기와 데이터를 함께 늘리기")}`);
    assert.equal((await titles(page))[0], GOOD[1].title);
    await page.goto(`/?q=${encodeURIComponent("只给几个例子就能完成新任务的大模型")}`);
    assert.equal((await titles(page))[0], "Language Models are Few-Shot Learners");
  });

  reader("files are chosen, too; the same again changes nothing", library, { locale: "ko-KR" }, async (page) => {
    await page.goto("/library");
    const files = page.locator("[data-files]");
    const send = () => files.setInputFiles({ name: "twice.jsonl", mimeType: "", buffer: Buffer.from(JSON.stringify({ title: "Sent twice", abstract: "A paper that is sent twice." })) });
    await send();
    await upload(page, "twice.jsonl").first().locator(".told", { hasText: "찾을 수" }).waitFor();
    const first = await upload(page, "twice.jsonl").first().locator(".told").textContent();
    await send();
    await soon(async () => assert.equal(await upload(page, "twice.jsonl").count(), 2));
    await soon(async () => assert.match(await upload(page, "twice.jsonl").first().locator(".told").textContent(), /찾을 수/));
    assert.notEqual(await upload(page, "twice.jsonl").first().locator(".told").textContent(), first);
    await picture(page, "library ko");
  });

  reader("a file that is none of ours, and a service that is gone, are told", library, { expects: [422, 400, 415] }, async (page) => {
    await page.goto("/library");
    await drop(page, [{ name: "empty.jsonl", text: "" }, { name: "picture.png", text: "\u0089PNG\r\n\u001a\n\u0000\u0000" }]);
    for (const name of ["empty.jsonl", "picture.png"]) {
      await upload(page, name).and(page.locator(".failed")).waitFor();
      assert.match(await upload(page, name).locator(".told").textContent(), /Not read: ./);
    }
    await picture(page, "library refused");
  });

  reader("what the library holds leads to its papers", library, { ...DARK, ...PHONE, locale: "zh-CN" }, async (page) => {
    await page.goto("/library");
    await assertFits(page);
    await picture(page, "phone library zh", { fullPage: true });
    await arrives(page, () => page.getByRole("main").getByRole("link", { name: /^retrieval/ }).click());
    assert.equal((await titles(page)).length, 4);
  });

  reader("without a script the page says what it needs", library, { javaScriptEnabled: false }, async (page) => {
    await page.goto("/library");
    assert.ok(await page.locator("noscript .remark").isVisible());
    assert.ok(await page.locator("[data-drop]").isHidden());
  });
};
