// The real binary with the real model over a library of its own, for as long as a test needs it. Nothing is left behind: a library
// lives in a temporary folder, and the service ends with the tests even where they fail.

import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

export const ROOT = resolve(import.meta.dirname, "../..");
const PAPERKIN = process.env.PAPERKIN_BINARY ?? join(ROOT, "target/release/paperkin");
const ENVIRONMENT = { ...process.env, PAPERKIN_MODELS: process.env.PAPERKIN_MODELS ?? join(ROOT, "models") };
// Loading a model takes a second or two; a machine that also builds has less to give.
const LONGEST = 120_000;

const begun = new Set();
// Whatever ends the tests ends what they started.
process.on("exit", () => begun.forEach((service) => service.end()));

export class Service {
  /** Answers at `url` over what the files say. */
  static async over(...files) {
    const service = new Service();
    service.folder = await mkdtemp(join(tmpdir(), "paperkin-pages-"));
    begun.add(service);
    service.library = join(service.folder, "library");
    if (files.length > 0) await service.run("ingest", ...files);
    await service.#serve();
    return service;
  }

  /** Another paperkin over the same library. */
  async run(...words) {
    const command = ["--library", this.library, ...words];
    return promisify(execFile)(PAPERKIN, command, { cwd: ROOT, env: ENVIRONMENT, timeout: LONGEST });
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGKILL");
    await ended;
    this.end();
    begun.delete(this);
  }

  /** At once, and without waiting. */
  end() {
    this.process?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #serve() {
    const command = ["--library", this.library, "serve", "--listen", "127.0.0.1:0"];
    this.process = spawn(PAPERKIN, command, { cwd: ROOT, env: ENVIRONMENT, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    // Read to its end, or the service would wait for a reader.
    this.url = await new Promise((found, failed) => {
      const late = setTimeout(() => failed(new Error(`no address within ${LONGEST} ms: ${said}`)), LONGEST);
      this.process.stderr.setEncoding("utf8").on("data", (text) => {
        said += text;
        const url = /answers at (http:\/\/[^/\s]+)\/ /.exec(said)?.[1];
        if (url) found(url);
        if (url) clearTimeout(late);
      });
      this.process.once("error", failed);
      this.process.once("exit", (code) => failed(new Error(`ended with ${code}: ${said}`)));
    });
    for (const ends = Date.now() + LONGEST; ; await new Promise((later) => setTimeout(later, 50))) {
      if ((await fetch(`${this.url}/readyz`)).ok) return;
      if (Date.now() > ends) throw new Error(`not ready within ${LONGEST} ms: ${said}`);
    }
  }
}
