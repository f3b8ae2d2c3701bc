import { assertEquals } from "@std/assert";
import { SecretMask } from "../../src/base/secret_mask.ts";
import { encodings } from "../fakes/encodings.ts";

const TOKEN = "syt_Ym90_aBcD-eFgH/iJkL+mN_1a2b3c";

function hide(text: string, ...secrets: string[]): string {
  const mask = new SecretMask();
  for (const secret of secrets) mask.add(secret);
  return mask.hide(text);
}

for (const secret of [TOKEN, "corréct horse", "123456789:AAHdqTcv-CH1vGWJx"]) {
  Deno.test(`SecretMask.hide() hides ${secret} in every encoding, and nothing else`, () => {
    for (const [name, text] of Object.entries(encodings(secret))) {
      assertEquals(hide(`Bad key <${text}> for you`, secret), "Bad key <[secret]> for you", name);
    }
  });
}

Deno.test("SecretMask.hide() hides a secret that is split over the lines of an SMTP reply", () => {
  const [first, second, third] = [TOKEN.slice(0, 11), TOKEN.slice(11, 22), TOKEN.slice(22)];
  assertEquals(
    hide(`535-5.7.8 Bad ${first}\r\n535-5.7.8 ${second}\r\n535 5.7.8 ${third}`, TOKEN),
    "535-5.7.8 Bad [secret]",
  );
});

Deno.test("SecretMask.hide() hides a half of a secret in a sentence", () => {
  assertEquals(hide(`Bad key ${TOKEN.slice(0, 16)}…`, TOKEN), "Bad key [secret]…");
  assertEquals(hide(`Bad key …${TOKEN.slice(-16)}`, TOKEN), "Bad key …[secret]");
  assertEquals(hide(`Bad key …${TOKEN.slice(8, 24)}…`, TOKEN), "Bad key …[secret]…");
});

Deno.test("SecretMask.hide() keeps an id that contains a part of a secret, because delivery depends on it", () => {
  const hideInData = (text: string, secret: string) => {
    const mask = new SecretMask();
    mask.add(secret);
    return mask.hide(text, true);
  };
  assertEquals(hideInData("@matrix-notify:example.org", "matrix-notify-token-1"), "@matrix-notify:example.org");
  assertEquals(hideInData("M_UNKNOWN_TOKEN", "unknown-token-1"), "M_UNKNOWN_TOKEN");
  assertEquals(hideInData("M_unknown-token-1", "unknown-token-1"), "M_[secret]");
  assertEquals(hideInData("@mail-bot1:example.org", "mail-bot1"), "@mail-bot1:example.org");
  assertEquals(hideInData("join", "join"), "join");
  assertEquals(hideInData("no room for mail-bot1", "mail-bot1"), "no room for [secret]");
  assertEquals(hide("M_unknown-t", "unknown-token-1"), "M_[secret]");
});

Deno.test("SecretMask.hide() hides a short secret or a plain word only as a whole word", () => {
  assertEquals(hide("open sesame, opensesames", "sesame"), "open [secret], opensesames");
  assertEquals(hide("POST example.org/hook: webhook failed", "/hook"), "POST example.org[secret]: webhook failed");
  assertEquals(hide("user:c2VzYW1l dXNlcjpzZXNhbWU=", "sesame"), "user:[secret] [secret]");
  assertEquals(hide("the key abc", "abc"), "the key abc");
});

Deno.test("SecretMask.hide() does not hide its own mark", () => {
  assertEquals(hide("Bad [secret] secret", "secret"), "Bad [secret] [secret]");
});

Deno.test("SecretMask.add() forgets the oldest secret after 500 others", () => {
  const others = Array.from({ length: 500 }, (_, at) => `zebra ${at} x`);
  assertEquals(hide("Bad first-token-0", "first-token-0", ...others.slice(1)), "Bad [secret]");
  assertEquals(hide("Bad first-token-0", "first-token-0", ...others), "Bad first-token-0");
});
