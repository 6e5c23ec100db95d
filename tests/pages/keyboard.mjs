// Everything by keys alone; and keys belong to the input method while a syllable is composed.

import assert from "node:assert/strict";
import { arrives, picture, reader, soon, titles } from "./browser.mjs";
import { LORA } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "keyboard";

const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);

export const tests = () => {
  reader("ask, move, keep, relate, steer, open and go without a mouse", reading, {}, async (page) => {
    const press = (keys) => page.keyboard.press(keys);
    await page.goto("/");
    await page.keyboard.type("thin matrices beside frozen weights");
    await page.waitForURL(/frozen\+weights$/);
    assert.equal((await titles(page))[0], LORA);
    const [first, second] = await titles(page);
    await press("ArrowDown");
    assert.equal(await focused(page), first);
    await picture(page, "keyboard");
    await press("j");
    assert.equal(await focused(page), second);
    await press("b");
    assert.equal(await page.locator("[data-hit]").nth(1).getByRole("button", { name: /Keep/ }).getAttribute("aria-pressed"), "true");
    await press("k");
    await arrives(page, () => press("r"));
    assert.match(await page.locator("[data-tray]").textContent(), new RegExp(LORA));

    await press("/");
    assert.equal(await focused(page), "q");
    await press("ArrowDown");
    await arrives(page, () => press("-"));
    assert.equal(new URL(page.url()).searchParams.getAll("unlike").length, 1);
    await press("Escape");
    await press("ArrowDown");
    await arrives(page, () => press("+"));
    assert.equal(new URL(page.url()).searchParams.getAll("related").length, 2);

    await press("/");
    await press("ArrowDown");
    const opened = await focused(page);
    await arrives(page, () => press("Enter"));
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), opened);
    await press("g");
    await arrives(page, () => press("b"));
    assert.deepEqual(await page.locator("[data-hit] h3").allTextContents(), [second]);
  });

  reader("the keys are told, in a dialog that closes", reading, { locale: "zh-CN" }, async (page) => {
    await page.goto("/?q=attention");
    await page.keyboard.press("Escape");
    await page.locator("body").click({ position: { x: 2, y: 400 } });
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await picture(page, "keys zh");
    const url = page.url();
    await page.keyboard.press("j");
    assert.equal(page.url(), url, "keys do nothing behind it");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });

  reader("who goes by Tab can skip to the content, and always sees where the focus is", reading, {}, async (page) => {
    await page.goto("/?q=attention");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to the content");
    assert.ok(await page.locator(".skip").evaluate((link) => link.getBoundingClientRect().left >= 0));
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const unseen = [];
    for (let stop = 0; stop < 60; stop += 1) {
      await page.keyboard.press("Tab");
      const lost = await page.evaluate(() => {
        const part = document.activeElement;
        if (part === document.body) return null;
        const { left, top, width, height } = part.getBoundingClientRect();
        const there = document.elementFromPoint(left + Math.min(width, 20) / 2, top + height / 2);
        const shown = width > 0 && top >= 0 && top + height <= innerHeight && (part.contains(there) || there?.contains(part));
        const { outlineStyle, outlineWidth } = getComputedStyle(part);
        const ringed = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
        return shown && ringed ? null : part.outerHTML.slice(0, 120);
      });
      if (lost) unseen.push(lost);
    }
    assert.deepEqual(unseen, []);
  });

  reader("a syllable that is being composed is asked for, and its keys move nothing", reading, { locale: "ko-KR" }, async (page) => {
    await page.goto("/");
    const input = await page.context().newCDPSession(page);
    await page.getByRole("searchbox").focus();
    await input.send("Input.insertText", { text: "확산 모" });
    await input.send("Input.imeSetComposition", { text: "델", selectionStart: 1, selectionEnd: 1 });
    await soon(async () => assert.ok((await titles(page)).length > 0));
    // What a browser sends for the key that ends a syllable.
    await page.getByRole("searchbox").evaluate((box) => {
      for (const key of ["ArrowDown", "Enter", "/"]) box.dispatchEvent(new KeyboardEvent("keydown", { key, isComposing: true, bubbles: true, cancelable: true }));
    });
    assert.equal(await focused(page), "q");
    await input.send("Input.insertText", { text: "델" });
    assert.equal(await page.getByRole("searchbox").inputValue(), "확산 모델");
    await soon(async () => assert.equal(new URL(page.url()).searchParams.get("q"), "확산 모델"));
  });

  reader("letters in the box are letters", reading, {}, async (page) => {
    await page.goto("/?q=attention");
    const box = page.getByRole("searchbox");
    await box.fill("");
    await page.keyboard.type("grb?/j+-k");
    assert.equal(await box.inputValue(), "grb?/j+-k");
    assert.ok(await page.getByRole("dialog").isHidden());
  });
};
