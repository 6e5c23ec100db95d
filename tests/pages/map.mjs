// The map: every paper a point, encircled, found, opened by mouse, finger and keys. What is drawn on a canvas cannot be read, so that
// the tests go by what a reader gets from it: lists, cards, counts; and leave pictures.

import assert from "node:assert/strict";
import { DARK, PHONE, arrives, assertFits, picture, reader, soon } from "./browser.mjs";
import { DIFFUSION, PPO, SIZE } from "./corpus.mjs";
import { reading } from "./reading.mjs";

export const about = "map";

const ready = async (page, address = "/map") => {
  await page.goto(address);
  await page.locator("[data-tools]").waitFor();
};
const middle = async (page) => {
  const { x, y, width, height } = await page.locator("[data-stage]").boundingBox();
  return { x, y, width, height, at: [x + width / 2, y + height / 2] };
};
/** Draws along the edge of the map. */
const encircle = async (page, inset = 6) => {
  const { x, y, width, height } = await middle(page);
  const [left, top, right, bottom] = [x + inset, y + inset + 60, x + width - inset, y + height - inset];
  await page.mouse.move(left, top);
  await page.mouse.down();
  for (const [to, down] of [[right, top], [right, bottom - 60], [left, bottom - 60], [left, top]]) await page.mouse.move(to, down, { steps: 6 });
};
/** The share of the stage, without what stands above it, that differs between two pictures. */
const different = (page, pictures) => page.evaluate(async (pictures) => {
  const pixels = async (base64) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))]));
    const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    pen.drawImage(bitmap, 0, 0);
    return pen.getImageData(0, 0, bitmap.width, bitmap.height).data;
  };
  const [one, two] = await Promise.all(pictures.map(pixels));
  let count = 0;
  for (let at = 0; at < one.length; at += 4) if (Math.abs(one[at] - two[at]) > 40) count += 1;
  return count / (one.length / 4);
}, pictures.map((picture) => picture.toString("base64")));
const chosen = (page) => page.locator("[data-chosen-heading]");

export const tests = () => {
  reader("papers are encircled, listed by title, and taken away", reading, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await page.goto("/");
    await arrives(page, () => page.getByRole("navigation").getByRole("link", { name: "Map" }).click());
    await page.locator("[data-tools]").waitFor();
    assert.match(await page.locator("[data-count]").textContent(), new RegExp(`^${SIZE} papers`));
    await picture(page, "map");

    const lasso = page.getByRole("button", { name: "Encircle" });
    await lasso.click();
    assert.equal(await lasso.getAttribute("aria-pressed"), "true");
    await encircle(page);
    await picture(page, "map lasso");
    await page.mouse.up();
    const heading = await chosen(page).textContent();
    const papers = Number.parseInt(heading, 10);
    assert.match(heading, /papers chosen$/);
    assert.ok(papers > SIZE / 2 && papers <= SIZE, heading);
    assert.equal(await lasso.getAttribute("aria-pressed"), "false", "the next drag moves again");
    const list = page.locator("[data-list] a");
    await soon(async () => assert.deepEqual((await list.allTextContents()).filter((title) => /^(arxiv|doi|t):/.test(title)), [], "titles, not ids"));
    await picture(page, "map chosen");

    await page.getByRole("button", { name: "Copy ids" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal((await page.evaluate(() => navigator.clipboard.readText())).split("\n").length, papers);

    await arrives(page, () => page.locator("[data-side]").getByRole("link", { name: "Take away" }).click());
    assert.equal(await page.locator("[data-hit]").count(), papers);
  });

  reader("Shift draws, too; a drag without it moves", reading, { ...DARK }, async (page) => {
    await ready(page);
    await encircle(page);
    await page.mouse.up();
    assert.ok(await chosen(page).isHidden());
    await page.getByRole("button", { name: "Show everything" }).click();
    await page.keyboard.down("Shift");
    await encircle(page);
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await chosen(page).waitFor();
    await picture(page, "map dark");
    await page.locator("[data-side]").getByRole("button", { name: "Close" }).click();
    assert.ok(await chosen(page).isHidden());
  });

  // All points take long to draw, so that their picture is moved and stretched meanwhile: it must be where they are.
  reader("what slides under a drag or stretches under a wheel is in its place", reading, {}, async (page) => {
    await ready(page);
    const points = page.locator("[data-points]");
    const moved = () => points.evaluate((canvas) => canvas.style.transform);
    const stage = page.locator("[data-stage]");
    const drawnAnew = async () => {
      await page.getByRole("button", { name: "Years" }).click();
      await page.getByRole("button", { name: "Tags" }).click();
      await soon(async () => assert.equal(await moved(), "none"));
    };
    await drawnAnew();
    const before = await stage.screenshot();
    const { at: [x, y] } = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 70, y + 40, { steps: 4 });
    await soon(async () => assert.match(await moved(), /^translate\(-\d+px, \d+px\)/));
    await page.mouse.up();
    await page.mouse.move(2, 2);
    const slid = await stage.screenshot();
    await drawnAnew();
    const drawn = await stage.screenshot();
    assert.ok(await different(page, [before, drawn]) > 0.002, "the drag moved the points");
    assert.ok(await different(page, [slid, drawn]) < 0.0005, "what slid is where it is drawn");

    // The stretch lasts no longer than the wheel turns, so it is written down as it comes: a look now and then would miss it.
    await points.evaluate((canvas) => {
      globalThis.stretches = [];
      new MutationObserver(() => globalThis.stretches.push(canvas.style.transform)).observe(canvas, { attributeFilter: ["style"] });
    });
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -60);
    await soon(async () => assert.ok((await page.evaluate(() => globalThis.stretches)).some((now) => /scale\(1\.\d+\)/.test(now))));
    await soon(async () => assert.equal(await moved(), "none", "at rest it is sharp"));
    // Far beyond the edge of the picture nothing may be missing.
    for (let step = 0; step < 6; step += 1) await page.keyboard.press("ArrowLeft");
    for (let step = 0; step < 3; step += 1) await page.mouse.wheel(0, 240);
    await soon(async () => assert.equal(await moved(), "none"));
    const far = await stage.screenshot();
    await drawnAnew();
    assert.ok(await different(page, [far, await stage.screenshot()]) < 0.0005);
  });

  reader("a paper is shown on the map, tells its title under the pointer, and opens", reading, {}, async (page) => {
    await page.goto("/paper?id=arxiv:1707.06347");
    await arrives(page, () => page.getByRole("link", { name: "Show on the map" }).click());
    await page.locator("[data-tools]").waitFor();
    const { at } = await middle(page);
    await page.mouse.move(...at, { steps: 3 });
    await page.locator("[data-card]", { hasText: PPO }).waitFor();
    await picture(page, "map paper");
    await arrives(page, () => page.mouse.click(...at));
    await page.getByRole("heading", { level: 1, name: PPO }).waitFor();
  });

  reader("a question lights up its answers; its address shows the same again", reading, { locale: "ko-KR" }, async (page) => {
    await ready(page);
    const find = page.locator("#find");
    await find.fill("노이즈를 걷어 내며 그림을 만드는 모델");
    await find.press("Enter");
    await soon(async () => assert.match(await page.locator("[data-found-count]").textContent(), /\d/));
    const told = await page.locator("[data-found-count]").textContent();
    await picture(page, "map found ko");
    await page.reload();
    await soon(async () => assert.equal(await page.locator("[data-found-count]").textContent(), told));
    assert.match(await find.inputValue(), /노이즈/);
    await find.fill("");
    await find.press("Enter");
    await soon(async () => assert.equal(await page.locator("[data-found-count]").textContent(), ""));
    assert.equal(new URL(page.url()).search, "");
  });

  reader("by keys alone: to the map, nearer, list, clear", reading, {}, async (page) => {
    await ready(page, "/map?paper=arxiv:2006.11239");
    await page.locator("#find").focus();
    await page.keyboard.press("Shift+Tab");
    const press = (key) => page.keyboard.press(key);
    assert.ok(await page.locator("[data-marks]").evaluate((canvas) => canvas === document.activeElement), "the map is one Tab from the box");
    await press("Enter");
    await page.locator("[data-list] a", { hasText: DIFFUSION }).waitFor();
    assert.ok(await chosen(page).evaluate((heading) => heading === document.activeElement), "the list is told");
    await page.locator("[data-marks]").focus();
    await press("0");
    await press("Escape");
    assert.ok(await chosen(page).isHidden());
    for (const key of ["+", "ArrowLeft", "ArrowUp", "-", "Enter"]) await press(key);
  });

  reader("colours are told by tag and by year, and one of them is picked out", reading, {}, async (page) => {
    await ready(page);
    const legend = page.locator("[data-legend] button");
    await legend.first().click();
    assert.equal(await legend.first().getAttribute("aria-pressed"), "true");
    await picture(page, "map one tag");
    await page.getByRole("button", { name: "Years" }).click();
    await soon(async () => assert.match((await legend.allTextContents()).join(" "), /20\d\d/));
    const counts = await legend.locator(".number").allTextContents();
    assert.equal(counts.reduce((sum, count) => sum + Number(count), 0), SIZE, "every paper has a colour");
    await picture(page, "map years");
  });

  reader("while the map is computed it says how far it is, and a service that is away is told", reading, { expects: [503] }, async (page) => {
    let answers = [{ status: 503, json: { error: { message: "busy with something else" } } }, { status: 202, json: { done: 0.42 } }];
    await page.route("**/v1/map", (route) => (answers.length > 0 ? route.fulfill(answers.shift()) : route.continue()));
    await page.goto("/map");
    await page.getByText("busy with something else").waitFor();
    await page.getByText("The map is being computed: 42 %").waitFor();
    await page.locator("[data-tools]").waitFor();
    assert.ok(await page.locator("[data-notice]").isHidden());
  });

  reader("on a phone a touch tells, and the card opens", reading, { ...PHONE, locale: "zh-CN" }, async (page) => {
    await ready(page, "/map?paper=arxiv:1707.06347");
    await assertFits(page);
    await page.touchscreen.tap(...(await middle(page)).at);
    const card = page.locator("[data-card]", { hasText: PPO });
    await card.waitFor();
    await picture(page, "phone map zh");
    await arrives(page, () => card.tap());
    await page.getByRole("heading", { level: 1, name: PPO }).waitFor();
  });

  reader("without a script the page says what it needs", reading, { javaScriptEnabled: false }, async (page) => {
    await page.goto("/map");
    assert.ok(await page.locator("noscript p").isVisible());
    assert.equal(await page.getByRole("button").count(), 1, "only the one that searches");
  });
};
