// The library that most tests read and none changes.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpus } from "./corpus.mjs";
import { Service } from "./service.mjs";

let service;

export const openReading = async () => {
  const folder = await mkdtemp(join(tmpdir(), "paperkin-pages-corpus-"));
  try {
    service = await Service.over(...(await corpus(join(folder, "corpus"))));
  } finally {
    await rm(folder, { recursive: true });
  }
};
export const closeReading = () => service?.stop();

/** The service over it. */
export const reading = () => service;
