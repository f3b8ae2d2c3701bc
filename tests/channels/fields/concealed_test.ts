import { assertEquals } from "@std/assert";
import { conceal, concealSetting, findSecrets } from "../../../src/channels/fields/concealed.ts";
import { kind } from "../../../src/channels/webhook/kind.ts";

const S = "[secret]";

/** The arguments of a program, the arguments that are shown, and the secrets that are found. */
const ARGUMENTS: readonly (readonly [given: string[], shown: string[], found: string[]])[] = [
  [["--loud", "-p", "--password"], ["--loud", "-p", "--password"], []],
  [["--token", "abc"], ["--token", S], ["abc"]],
  [["--api-key=abc", "PGPASSWORD=def"], [`--api-key=${S}`, `PGPASSWORD=${S}`], ["abc", "def"]],
  [["-u", "bob:hunter2"], ["-u", S], ["bob:hunter2", "hunter2"]],
  [["-ubob:hunter2"], [`-u${S}`], ["hunter2"]],
  [["-H", "Authorization: Bearer abc"], ["-H", `Authorization: ${S}`], ["Bearer abc"]],
  [["https://bob:hun/ter2@example.org/"], [`https://${S}@example.org/`], ["hun/ter2"]],
  [["https://example.org/?token=abc&x=1"], [`https://example.org/?token=${S}&x=1`], ["abc"]],
  [["https://hc-ping.com/0f8fad5b-d9cb-469f-a165-70867728950e"], [`https://hc-ping.com/${S}`], [
    "0f8fad5b-d9cb-469f-a165-70867728950e",
  ]],
  [["-c", "curl -u bob:hunter2 --pass x1 'https://a/?key=k2'"], [
    "-c",
    `curl -u ${S} --pass ${S} 'https://a/?key=${S}'`,
  ], [
    "x1",
    "k2",
    "hunter2",
  ]],
  [["/opt/tell-2026-11-29-release-1", "root@example.org"], ["/opt/tell-2026-11-29-release-1", "root@example.org"], []],
];

for (const [given, shown, found] of ARGUMENTS) {
  Deno.test(`conceal() hides the secrets of the arguments ${given.join(" ")}`, () => {
    assertEquals(conceal(["/bin/tell", ...given]), ["/bin/tell", ...shown]);
    assertEquals(findSecrets(["/bin/tell", ...given]).toSorted(), found.toSorted());
  });
}

Deno.test("conceal() hides the secrets in the body of a webhook, and keeps the placeholders", () => {
  const body = {
    ...{ token: "abc", routing_key: "R0", user: "u", title: "{{title}}", key: "{{key}}", parse_mode: "HTML" },
    list: [{ apiKey: 12345, text: "Key: {{key}}" }, true, null],
    auth: "Bearer {{id}}",
  };
  assertEquals(conceal(body), {
    ...{ token: S, routing_key: S, user: "u", title: "{{title}}", key: "{{key}}", parse_mode: "HTML" },
    list: [{ apiKey: S, text: "Key: {{key}}" }, true, null],
    auth: S,
  });
});

Deno.test("concealSetting() hides a login in any address, and keeps addresses, users and paths", () => {
  const shown = (key: string, value: unknown) => concealSetting(key, value, kind.settings);
  assertEquals(shown("proxy", "http://bob:pa/ss@proxy:3128"), `http://${S}@proxy:3128`);
  assertEquals(shown("proxy", "bob:p@ss@proxy:3128"), `${S}@proxy:3128`);
  assertEquals(shown("proxy", "socks5://token@proxy"), `socks5://${S}@proxy`);
  assertEquals(shown("url", "https://example.org/hook"), S);
  assertEquals(shown("headers", { "X-Team": "ops" }), S);
  assertEquals(shown("accessTokn_token", "abc"), S);
  for (const value of ["Jump host <jump@example.org>", "@bot:example.org", "#ops:example.org", "proxy:3128", ["a@b"]]) {
    assertEquals(shown("from", value), value);
  }
  const headerFiles = { Authorization: "/etc/matrix-notify/authorization" };
  assertEquals(shown("headerFiles", headerFiles), headerFiles);
});
