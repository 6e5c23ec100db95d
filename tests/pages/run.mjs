// The pages as readers meet them: in Debian's Chromium, over the real binary with the real model. Pictures of them, and of what
// failed, are left in target/pages.
//
//   node tests/pages/run.mjs [theme...]
//
// One process, one browser and one library for all themes, since starting each costs more than most tests.

import { after, describe } from "node:test";
import { closeBrowser, openBrowser } from "./browser.mjs";
import { closeReading, openReading } from "./reading.mjs";

const THEMES = ["search", "steering", "basket", "keyboard", "without_script", "phone", "days", "library", "map", "hostile", "accessibility"];

const asked = process.argv.slice(2);
const themes = await Promise.all((asked.length > 0 ? asked : THEMES).map((theme) => import(`./${theme}.mjs`)));
// Before any test: what cannot start ends the run here, with its reason.
await openReading();
await openBrowser();

// Two at a time: readers mostly wait for one another's pages.
describe("pages", { timeout: 300_000, concurrency: 2 }, () => {
  after(() => Promise.all([closeBrowser(), closeReading()]));
  for (const { about, tests } of themes) describe(about, tests);
});
