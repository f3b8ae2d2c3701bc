import { assertEquals } from "@std/assert";
import {
  answerCaller,
  answerOpenly,
  isMatrixPath,
  readLogin,
  waitOf,
} from "../../../../src/ingest/http/matrix/questions.ts";
import { seededDice } from "../../../faults/crash_dice.ts";
import { hostileText, hostileValue, pick } from "../../../fuzz/hostile.ts";

const CALLER = { userId: "@nas:matrix-notify", deviceId: "D", rooms: ["!a:b"] };

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("answerCaller(), answerOpenly() and readLogin() answer hostile requests with one line of JSON", () => {
  const dice = seededDice(16);
  const words = [
    "rooms",
    "state",
    "join",
    "createRoom",
    "user",
    "filter",
    "send",
    "sync",
    "login",
    "directory",
    "room",
  ];
  for (let count = 0; count < 3000; count++) {
    const parts = Array.from(
      { length: dice(5) },
      () => dice(3) > 0 ? pick(dice, words) : encodeURI(hostileText(dice).toWellFormed()),
    );
    const path = ["/_matrix/client/v3", ...parts].join("/");
    const method = pick(dice, ["GET", "POST", "PUT", "DELETE"]);
    const body = encode(
      dice(2) === 0
        ? hostileText(dice)
        : JSON.stringify({ invite: hostileValue(dice), type: hostileValue(dice) }) ?? "",
    );
    const login = readLogin(body);
    for (
      const answer of [
        answerCaller({ method, path, body }, CALLER),
        answerOpenly({ method, path }),
        "status" in login ? login : undefined,
      ]
    ) {
      if (answer === undefined) continue;
      assertEquals(typeof JSON.parse(answer.body), "object");
      assertEquals(answer.body.includes("\n"), false, path);
    }
  }
});

Deno.test("isMatrixPath() leaves the paths of other protocols alone", () => {
  assertEquals(
    ["/_matrix/client/versions", "/.well-known/matrix/client", "/_matrix", "/matrix/send"].map(isMatrixPath),
    [true, true, false, false],
  );
});

Deno.test("waitOf() lets only /sync wait, and at most 5 seconds", () => {
  const wait = (method: string, path: string, query: string) =>
    waitOf({ method, path: `/_matrix/client/v3${path}`, query: new URLSearchParams(query) });
  assertEquals([
    wait("GET", "/sync", "since=0&timeout=300"),
    wait("GET", "/sync", "since=0&timeout=30000"),
    wait("GET", "/sync", "timeout=300"),
    wait("GET", "/sync", "since=0&timeout=-1"),
    wait("GET", "/sync", "since=0&timeout=x"),
    wait("GET", "/joined_rooms", "since=0&timeout=300"),
  ], [300, 5000, 0, 0, 0, 0]);
});
