import { assertEquals } from "@std/assert";
import { configPath, stateDirPath } from "../../src/config/paths.ts";

const runtimeOf = (env: Readonly<Record<string, string>>, isRoot = false) => ({
  env: (name: string) => env[name],
  isRoot: () => isRoot,
});

const STATE_DIRECTORIES: readonly (readonly [list: string, expected: string])[] = [
  ["/var/lib/matrix-notify", "/var/lib/matrix-notify"],
  ["/var/lib/matrix-notify/", "/var/lib/matrix-notify"],
  ["/var/lib/private/matrix-notify", "/var/lib/private/matrix-notify"],
  ["/var/lib/backup", "/home/a/.local/state/matrix-notify"],
  ["/var/lib/backup:/var/lib/matrix-notify", "/var/lib/matrix-notify"],
  ["/var/lib/my-matrix-notify", "/home/a/.local/state/matrix-notify"],
  ["/var/lib/matrix-notify/backup", "/home/a/.local/state/matrix-notify"],
  ["", "/home/a/.local/state/matrix-notify"],
];

for (const [list, expected] of STATE_DIRECTORIES) {
  Deno.test(`stateDirPath() returns ${expected} when STATE_DIRECTORY is "${list}"`, () => {
    assertEquals(stateDirPath(runtimeOf({ STATE_DIRECTORY: list, HOME: "/home/a" })), expected);
  });
}

Deno.test("stateDirPath() ignores the directory of another program for root", () => {
  assertEquals(stateDirPath(runtimeOf({ STATE_DIRECTORY: "/var/lib/backup" }, true)), "/var/lib/matrix-notify");
});

Deno.test("configPath() uses only a CONFIGURATION_DIRECTORY of matrix-notify", () => {
  const path = (list: string) => configPath(runtimeOf({ CONFIGURATION_DIRECTORY: list }, true));
  assertEquals(path("/run/backup:/opt/etc/matrix-notify"), "/opt/etc/matrix-notify/config.json");
  assertEquals(path("/etc/backup"), "/etc/matrix-notify/config.json");
});

for (const home of ["/", "//"]) {
  Deno.test(`configPath() and stateDirPath() begin with one slash if HOME is ${home}`, () => {
    const runtime = runtimeOf({ HOME: home });
    assertEquals([configPath(runtime), stateDirPath(runtime)], [
      "/.config/matrix-notify/config.json",
      "/.local/state/matrix-notify",
    ]);
    assertEquals(stateDirPath(runtimeOf({ HOME: "/home/a", XDG_STATE_HOME: home })), "/matrix-notify");
  });
}

Deno.test("stateDirPath() removes the slashes at the end", () => {
  assertEquals(stateDirPath(runtimeOf({ MATRIX_NOTIFY_STATE_DIR: "/srv/queue//" })), "/srv/queue");
});
