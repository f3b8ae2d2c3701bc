/** Plays a few cases of each fuzzer. `deno task fuzz` plays many more. */

import { FUZZERS } from "./fuzzers.ts";

/** The number of cases of each fuzzer. The cases are always the same. */
const CASES: Readonly<Record<string, number>> = {
  answers: 60,
  mails: 500,
  journals: 12,
  configs: 60,
  argv: 200,
  requests: 2000,
  texts: 40,
  connections: 12,
  programs: 8,
};

for (const { name, open, runsPrograms } of FUZZERS) {
  if (!Object.hasOwn(CASES, name)) throw new Error(`CASES has no number for the fuzzer ${name}`);
  const directory = Deno.env.get("TMPDIR") ?? "/tmp";
  const sandbox: Deno.PermissionOptionsObject = {
    ...{ read: "inherit", env: "inherit", sys: "inherit", import: "inherit", write: [directory] },
    ...{ net: ["127.0.0.1", "localhost"], run: false },
  };
  Deno.test({
    name: `the program keeps its promises in ${CASES[name]} random cases of ${name}`,
    permissions: runsPrograms ? "inherit" : sandbox,
    async fn() {
      await using player = await open();
      for (let seed = 1; seed <= CASES[name]; seed++) {
        await player.play(seed).catch((cause) => {
          throw new Error(`Case ${seed} of ${name} failed: ${cause.message}`, { cause });
        });
      }
    },
  });
}
