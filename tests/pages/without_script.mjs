// Without JavaScript the pages ask, narrow down, steer, show and export all the same; and nothing is shown that would not work.

import assert from "node:assert/strict";
import { arrives, picture, reader, titles } from "./browser.mjs";
import { DIFFUSION, DPO, PPO } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "without a script";

const WITHOUT = { javaScriptEnabled: false };

export const tests = () => {
  reader("ask, narrow down, relate, steer, open and export", reading, WITHOUT, async (page) => {
    await page.goto("/");
    await page.getByRole("searchbox").fill("노이즈를 한 단계씩 걷어 내며 그림을 만드는 모델");
    await arrives(page, () => page.getByRole("button", { name: "Search" }).click());
    assert.equal((await titles(page))[0], DIFFUSION);
    await picture(page, "without script");
    await page.getByText("More: Tags").click();
    await arrives(page, () => page.getByRole("complementary").getByRole("link", { name: /^diffusion/ }).click());
    assert.deepEqual(await titles(page), [DIFFUSION]);

    await page.goto("/?related=arxiv:1707.06347");
    const dpo = page.locator("[data-hit]", { has: page.getByRole("heading", { name: DPO }) });
    await arrives(page, () => dpo.getByRole("link", { name: /^More like this/ }).click());
    assert.equal(await page.locator("[data-tray] li").count(), 2);
    await arrives(page, () => page.locator("[data-tray]").getByRole("link", { name: DPO, exact: true }).click());
    await page.getByRole("heading", { level: 1, name: DPO }).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "RIS" }).click()]);
    assert.match(download.suggestedFilename(), /\.ris$/);
    await page.goto("/basket?id=arxiv:1707.06347");
    assert.deepEqual(await page.locator("[data-hit] h3").allTextContents(), [PPO]);
  });

  reader("no control is shown that only a script would serve", reading, WITHOUT, async (page) => {
    for (const address of ["/", "/?q=attention", "/?related=arxiv:1707.06347", "/paper?id=arxiv:1707.06347", "/basket", "/basket?id=arxiv:1707.06347", "/days", "/library", "/docs"]) {
      await page.goto(address);
      const buttons = await page.getByRole("button").allTextContents();
      // Forms that ask work by themselves.
      assert.deepEqual(buttons.filter((name) => !["Search", "Go"].includes(name)), [], address);
    }
  });
};
