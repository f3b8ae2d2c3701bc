/** The list of all fuzzers. */

import type { Fuzzer } from "./fuzzer.ts";
import { answers } from "./answers.ts";
import { argv } from "./argv.ts";
import { connections } from "./connections.ts";
import { configs } from "./configs.ts";
import { journals } from "./journals.ts";
import { mails } from "./mails.ts";
import { programs } from "./programs.ts";
import { requests } from "./requests.ts";
import { texts } from "./texts.ts";

export const FUZZERS: readonly Fuzzer[] = [
  answers,
  mails,
  journals,
  configs,
  argv,
  requests,
  texts,
  connections,
  programs,
];
