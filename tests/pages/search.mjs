// Asking, in the languages of the readers, and narrowing down: every state of the list is an address that can be shared.

import assert from "node:assert/strict";
import { DARK, WIDE, arrives, assertFits, picture, reader, soon, titles } from "./browser.mjs";
import { COLBERT, DIFFUSION, E5, LORA, SIZE } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "search";

const QUESTIONS = [
  { locale: "en-GB", question: "generating images by undoing noise step by step", answer: DIFFUSION, counted: /^Best \d+ of \d+ papers searched/ },
  { locale: "ko-KR", question: "거대 모델의 가중치를 얼려 두고 얇은 행렬 두 개만 학습하는 방법", answer: LORA, counted: /^검색한 논문 \d+편 중 상위 \d+편/ },
  { locale: "zh-CN", question: "问题和文档分别编码，再逐词比较相似度的检索方法", answer: COLBERT, counted: /^已搜索 \d+ 篇论文，显示最相关的 \d+ 篇/ },
  // Japanese is a language of questions, not of the interface.
  { locale: "ja-JP", question: "ノートパソコンの CPU でも動く多言語の文埋め込みモデル", answer: E5, counted: /^Best \d+ of \d+ papers searched/ },
];

export const tests = () => {
  for (const { locale, question, answer, counted } of QUESTIONS) {
    const language = locale.slice(0, 2);
    reader(`a question in ${language} is answered while it is typed, and after Enter`, reading, { locale }, async (page) => {
      await page.goto("/");
      await picture(page, `start ${language}`);
      const box = page.getByRole("searchbox");
      await box.pressSequentially(question);
      // Half a question may find it already.
      await soon(async () => assert.equal(new URL(page.url()).searchParams.get("q"), question, "the address says what is shown"));
      assert.equal((await titles(page))[0], answer);
      assert.match(await page.locator(".count").textContent(), counted);
      assert.match(await page.title(), new RegExp(question.slice(0, 8)));
      assert.ok(await box.evaluate((own) => own === document.activeElement), "typing goes on in the box");
      await picture(page, `answers ${language}`);
      const typed = await titles(page);
      await arrives(page, () => box.press("Enter"));
      assert.deepEqual(await titles(page), typed, "the page after Enter is the one that was typed");
      assert.equal(await box.inputValue(), question);
    });
  }

  reader("an answer tells how sure it is, by what it was found, and where", reading, {}, async (page) => {
    await page.goto(`/?q=${encodeURIComponent("freezing the weights and training two thin matrices")}`);
    const hit = page.locator("[data-hit]").first();
    assert.equal(await hit.locator("h3").textContent(), LORA);
    const percent = Number.parseInt(await hit.locator(".percent").textContent(), 10);
    assert.ok(percent > 50 && percent <= 100, `${percent} %`);
    assert.equal(await hit.locator(".fill").getAttribute("width"), String(percent), "the bar is as long as the number says");
    assert.match(await hit.locator(".found").textContent(), /Found by: (meaning|words|meaning and words)/);
    const marked = await hit.locator("mark").allTextContents();
    assert.ok(marked.some((word) => /weights|matrices|thin/i.test(word)), `marked: ${marked}`);
    assert.equal(await hit.locator("blockquote .sentence").count() > 0, true, "the sentence that answers");
  });

  reader("filters narrow down, show as chips, and are taken back one by one", reading, {}, async (page) => {
    await page.goto("/?q=model");
    const sides = page.getByRole("complementary");
    await sides.getByRole("link", { name: /^efficiency/ }).click();
    await page.waitForURL(/tag=efficiency/);
    const chips = page.getByRole("list", { name: "Narrowed to" });
    assert.match(await chips.textContent(), /efficiency/);
    for (const hit of await page.locator("[data-hit]").all()) assert.match(await hit.textContent(), /efficiency/);
    assert.equal(await sides.locator("[aria-current]").textContent().then((text) => text.trim().startsWith("efficiency")), true);
    const some = (await titles(page)).length;

    await sides.getByRole("link", { name: /^日本語/ }).click();
    await page.waitForURL(/lang=ja/);
    assert.deepEqual(await titles(page), ["Distilling the Knowledge in a Neural Network"]);
    await picture(page, "filters");

    // Filters stay while one asks on.
    await page.getByRole("searchbox").fill("distillation");
    await page.getByRole("searchbox").press("Enter");
    await page.waitForURL(/q=distillation/);
    assert.deepEqual(new URL(page.url()).searchParams.getAll("tag"), ["efficiency"]);

    await page.goBack();
    await chips.getByRole("link", { name: /日本語/ }).click();
    await page.waitForURL((url) => !url.searchParams.has("lang"));
    assert.equal((await titles(page)).length, some);
  });

  reader("what is written in the box filters, too", reading, {}, async (page) => {
    await page.goto("/?q=tag:moe+experts");
    assert.deepEqual((await titles(page)).map((title) => title.split(":")[0]).sort(), ["Mixtral of Experts", "Switch Transformers"]);
  });

  reader("a list without a question is sorted by date, and grows", reading, {}, async (page) => {
    await page.goto("/?has_commentary=true&limit=4&sort=date");
    const dates = async () => page.locator("[data-hit] time").evaluateAll((all) => all.map((time) => time.dateTime));
    const first = await dates();
    assert.equal(first.length, 4);
    assert.deepEqual(first, [...first].sort().reverse());
    assert.equal(await page.locator(".score").count(), 0, "what is only listed has no score");
    await page.getByRole("link", { name: "Show more" }).click();
    await page.waitForURL(/limit=8/);
    assert.deepEqual((await dates()).slice(0, 4), first);
  });

  reader("a filter that leaves no paper is told so, not counted", reading, {}, async (page) => {
    for (const [address, told] of [["/?q=attention&tag=nosuchtag", /^No paper to search/], ["/?tag=nosuchtag", /^No paper fits/]]) {
      await page.goto(address);
      assert.match(await page.locator(".count").textContent(), told);
    }
  });

  reader("nonsense finds nothing, and says so", reading, {}, async (page) => {
    await page.goto("/?q=qwxz+jjkv+zzzq");
    await page.getByRole("heading", { name: "Nothing here answers that" }).waitFor();
    assert.match(await page.locator(".count").textContent(), new RegExp(`^${SIZE} papers searched`));
    await picture(page, "nothing answers");
    await page.getByRole("link", { name: "Show them all the same" }).click();
    await page.waitForURL(/floor=none/);
    assert.ok((await titles(page)).length > 0);
  });

  reader("the last question typed is the one that is answered", reading, {}, async (page) => {
    let holds = true;
    // The answer to the first is slower than the second.
    await page.route(/q=diffusion$/, async (route) => {
      await new Promise((done) => { const look = () => (holds ? setTimeout(look, 20) : done()); look(); });
      await route.continue().catch(() => {});
    });
    await page.goto("/");
    const box = page.getByRole("searchbox");
    const asked = page.waitForRequest(/q=diffusion$/);
    await box.fill("diffusion");
    await asked;
    await box.fill("speech recognition");
    await soon(async () => assert.match((await titles(page))[0], /Speech Recognition/));
    holds = false;
    await box.fill("speech recognition from the web");
    await soon(async () => assert.match(page.url(), /from\+the\+web/));
    assert.match((await titles(page))[0], /Speech Recognition/);
  });

  reader("an address that means nothing is told so, with the way on", reading, { expects: [404, 422] }, async (page) => {
    for (const [address, status] of [["/paper?id=arxiv:2301.99999", 404], ["/?related=arxiv:2301.99999", 404], ["/?year=yesterday", 422], ["/?q=year:abc", 422]]) {
      const answer = await page.goto(address);
      assert.equal(answer.status(), status);
      await page.getByRole("heading", { name: "That did not work" }).waitFor();
      assert.ok(await page.getByRole("searchbox").isVisible());
      const told = await page.getByRole("main").textContent();
      assert.doesNotMatch(told, /openapi/, "a reader is told no program's matters");
      if (status === 422) assert.match(told, /year:2024, year:2020-2023/);
    }
    await picture(page, "notice");
  });

  reader("looks: dark, wide", reading, { ...DARK, ...WIDE }, async (page) => {
    await page.goto("/");
    assert.match(await page.locator(".welcome .count").textContent(), new RegExp(`^${SIZE} papers`));
    await picture(page, "start dark wide");
    await page.goto(`/?q=${encodeURIComponent("학습 efficiency")}`);
    await assertFits(page);
    await picture(page, "answers dark wide", { fullPage: true });
  });
};
