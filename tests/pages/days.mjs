// The library by date: a day and what was written on it, the days before and after, a month, a calendar.

import assert from "node:assert/strict";
import { PHONE, arrives, assertFits, picture, reader } from "./browser.mjs";
import { reading } from "./reading.mjs";

export const about = "days";

const day = (page) => page.getByRole("heading", { level: 1 }).textContent();
const papers = (page) => page.locator(".answers [data-hit] h3").allTextContents();

export const tests = () => {
  reader("the newest day comes first; from day to day, month to month, and to a day of choice", reading, {}, async (page) => {
    await page.goto("/");
    await arrives(page, () => page.getByRole("link", { name: "Days" }).click());
    assert.equal(await day(page), "2026-05-01");
    assert.deepEqual((await papers(page)).sort(), ["Chain-of-Thought Prompting Elicits Reasoning in Large Language Models", "Segment Anything"]);
    await picture(page, "days");

    const calendar = page.getByRole("complementary");
    assert.equal(await calendar.locator("[aria-current=date]").textContent(), "1");
    assert.equal(await calendar.getByRole("table").getByRole("link").count(), 1, "only days that have papers lead anywhere");
    await arrives(page, () => page.getByRole("link", { name: /Earlier day|day before|Earlier/ }).last().click());
    const before = await day(page);
    assert.ok(before < "2026-05-01", before);
    await arrives(page, () => page.locator("[data-later]").click());
    assert.equal(await day(page), "2026-05-01");

    await page.locator("#day").fill("2024-06-01");
    await arrives(page, () => page.locator("#day").press("Enter"));
    assert.equal(await day(page), "2024-06-01");
    assert.equal(new URL(page.url()).searchParams.get("day"), "2024-06-01");
    assert.equal((await papers(page)).length, 5, "the digest of the sample");
  });

  reader("a day shows what was written on it, in its language", reading, { locale: "ko-KR" }, async (page) => {
    await page.goto("/days?day=2026-05-01");
    const paper = page.locator("[data-hit]", { hasText: "Chain-of-Thought" });
    assert.deepEqual(await paper.locator(".note").evaluateAll((all) => all.map((note) => note.lang)), ["ko", "en"]);
    assert.match(await paper.textContent(), /중간 단계를 적어 주는 것만으로/);
    assert.doesNotMatch(await paper.textContent(), /正确率/, "what was written elsewhere is on the paper's page");
    await picture(page, "days ko", { fullPage: true });
  });

  reader("a day without papers leads on, and what is no day is told so", reading, { expects: [422] }, async (page) => {
    await page.goto("/days?day=2025-01-01");
    assert.equal((await papers(page)).length, 0);
    await picture(page, "days nothing");
    await arrives(page, () => page.locator("[data-later]").click());
    assert.equal(await day(page), "2026-05-01");
    assert.equal((await page.goto("/days?day=2026-02-30")).status(), 422);
    await page.getByRole("heading", { name: "That did not work" }).waitFor();
  });

  for (const locale of ["en-GB", "ko-KR", "zh-CN"]) {
    reader(`days on a phone in ${locale.slice(0, 2)}, without a script`, reading, { ...PHONE, locale, javaScriptEnabled: false }, async (page) => {
      await page.goto("/days");
      await assertFits(page);
      await picture(page, `phone days ${locale.slice(0, 2)}`);
      await arrives(page, () => page.locator("[data-earlier]").click());
      assert.ok((await papers(page)).length > 0);
    });
  }
};
