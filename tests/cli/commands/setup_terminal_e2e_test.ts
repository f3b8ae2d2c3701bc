/**
 * Tests `setup` on a real terminal: Ctrl-C and the end of the input. Transcripts cannot test this.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { findPython } from "../../../scripts/python/python.ts";
import { installOrStub } from "../../fakes/installed_suite.ts";
import { playAtTerminal, type Step } from "../../fakes/terminal.ts";
import { openSetupScene, type SetupScene } from "./setup_scene.ts";

const terminalTest = await installOrStub("a terminal", findPython) ?? Deno.test;

/** The answers for the login. The next question is about the room. */
const LOGIN: readonly Step[] = [[/Number \[1\]: $/, "\n"], [/Password of \S+: $/, "password-of-bot\r"]];

const STOPS: readonly (readonly [when: string, steps: readonly Step[], message: string, files: readonly string[]])[] = [
  ["at the first question", [[/that sends: $/, "\x03"]], "matrix-notify: stopped: nothing was changed\n", []],
  [
    "at the password",
    [[/that sends: $/, "@bot:loopback.test\n"], [/Number \[1\]: $/, "\n"], [/Password of \S+: $/, "half\x03"]],
    "matrix-notify: stopped: nothing was changed\n",
    [],
  ],
  [
    "by the end of the input",
    [[/that sends: $/, "\x04"]],
    "matrix-notify: stopped: nothing was changed\n  hint: to answer without a terminal, add --user @bot:example.org\n",
    [],
  ],
  [
    "while it waits for an invite",
    [[/that sends: $/, "@bot:loopback.test\n"], ...LOGIN, [/Where .*: $/, "1\n"], [/wait\]: $/, "\n"], [
      /stop …\n$/,
      "\x03",
    ]],
    "config.json was not written; the login of @bot:loopback.test is kept\n  hint: run setup again to continue from here\n",
    ["accounts"],
  ],
];

for (const [when, steps, message, files] of STOPS) {
  terminalTest(`setup() says what it keeps and writes no partial file when it is stopped ${when}`, async () => {
    await using scene = await openSetupScene();
    const { code, screen } = await play(scene, steps);
    assertEquals(code, 130, screen);
    assertEquals(screen.endsWith(message), true, screen);
    assertEquals(listFiles(`${scene.home}/.config`), []);
    assertEquals(
      listFiles(`${scene.home}/.local/state/matrix-notify`).filter((name) => !name.startsWith("device.")),
      files,
    );
  });
}

terminalTest("setup() continues without a second login when the run before was stopped", async () => {
  await using scene = await openSetupScene();
  await play(scene, [[/that sends: $/, "@bot:loopback.test\n"], ...LOGIN, [/Where .*: $/, "\x03"]]);
  const { code, screen } = await play(scene, [
    [/that sends \[@bot:loopback\.test\]: $/, "\n"],
    [/How to continue.*: $/, "\n"],
    [/Where .*: $/, "3\n"],
    [/user id: $/, "@alice:loopback.test\n"],
  ]);
  assertEquals(code, 0, screen);
  assertStringIncludes(screen, "Test message: delivered $");
  assertEquals(
    scene.homeserver.requests.filter(({ route, method }) => route === "login" && method === "POST").length,
    1,
  );
});

function play({ home, homeserver }: SetupScene, steps: readonly Step[]) {
  return playAtTerminal(["setup", "--homeserver", homeserver.url], { env: { HOME: home }, steps });
}

function listFiles(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
