// On a phone: nothing is wider than the screen, the answers come first, and a finger hits what it means.

import assert from "node:assert/strict";
import { DARK, PHONE, arrives, assertFits, picture, reader, titles } from "./browser.mjs";
import { LORA } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "phone";

const PAGES = {
  start: "/",
  answers: `/?q=${encodeURIComponent("거대 모델의 가중치를 얼려 두고 얇은 행렬만 학습")}`,
  tray: "/?related=arxiv:1707.06347&related=arxiv:2305.18290&unlike=arxiv:1512.03385",
  paper: "/paper?id=arxiv:2106.09685",
  basket: "/basket?id=arxiv:2106.09685&id=arxiv:1707.06347",
  docs: "/docs",
};

export const tests = () => {
  for (const locale of ["en-GB", "ko-KR", "zh-CN"]) {
    reader(`every page fits in ${locale.slice(0, 2)}`, reading, { ...PHONE, locale }, async (page) => {
      for (const [name, address] of Object.entries(PAGES)) {
        await page.goto(address);
        await assertFits(page);
        await picture(page, `phone ${name} ${locale.slice(0, 2)}`);
      }
    });
  }

  reader("the smallest phone", reading, { ...PHONE, ...DARK, viewport: { width: 320, height: 568 } }, async (page) => {
    for (const [name, address] of Object.entries(PAGES)) {
      await page.goto(address);
      await assertFits(page);
      await picture(page, `phone small ${name}`);
    }
  });

  reader("the first answer is in sight; what narrows down is folded above and opens by a tap", reading, PHONE, async (page) => {
    await page.goto(PAGES.answers);
    const top = await page.locator("[data-hit]").first().evaluate((hit) => hit.getBoundingClientRect().top);
    assert.ok(top < 400, `the first answer begins at ${top}`);
    const filter = page.getByRole("complementary").getByRole("link", { name: /^efficiency/ });
    assert.ok(await filter.isHidden());
    await page.getByText("Narrow down", { exact: true }).tap();
    await picture(page, "phone filters");
    await arrives(page, () => filter.tap());
    assert.equal((await titles(page))[0], LORA);
    await page.getByRole("list", { name: "Narrowed to" }).getByRole("link", { name: /efficiency/ }).waitFor();
  });
};
