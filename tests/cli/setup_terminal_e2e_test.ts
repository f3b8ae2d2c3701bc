/** The wizard at a real terminal, in the moments that a transcript does not have: Ctrl-C, and the end of the input. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { findPython } from "../../scripts/python/python.ts";
import { installOrStub } from "../fakes/python_suite.ts";
import { playAtTerminal, type Step } from "../fakes/terminal.ts";
import { setSetupScene, type SetupScene } from "./setup_scene.ts";

const terminalTest = await installOrStub("a terminal", findPython) ?? Deno.test;

/** How far a person gets: to the question for the room, with a login behind. */
const LOGIN: readonly Step[] = [[/Number \[1\]: $/, "\n"], [/Password of \S+: $/, "password-of-bot\r"]];

const STOPS: readonly (readonly [when: string, steps: readonly Step[], sentence: string, files: readonly string[]])[] =
  [
    ["at the first question", [[/that sends: $/, "\x03"]], "matrix-notify: stopped: nothing was changed\n", []],
    [
      "at the password",
      [[/that sends: $/, "@bot:loopback.test\n"], [/Number \[1\]: $/, "\n"], [/Password of \S+: $/, "half\x03"]],
      "matrix-notify: stopped: nothing was changed\n",
      [],
    ],
    [
      "where the input ends",
      [[/that sends: $/, "\x04"]],
      "matrix-notify: stopped: nothing was changed\n  hint: to run without a terminal, add --user @bot:example.org\n",
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

for (const [when, steps, sentence, files] of STOPS) {
  terminalTest(`setup that is stopped ${when} says what stays, and leaves nothing half-written`, async () => {
    await using scene = await setSetupScene();
    const { code, screen } = await play(scene, steps);
    assertEquals(code, 130, screen);
    assertEquals(screen.endsWith(sentence), true, screen);
    assertEquals(namesIn(`${scene.home}/.config`), []);
    assertEquals(
      namesIn(`${scene.home}/.local/state/matrix-notify`).filter((name) => !name.startsWith("device.")),
      files,
    );
  });
}

terminalTest("setup that was stopped goes on where it was, and needs no second login", async () => {
  await using scene = await setSetupScene();
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

function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
