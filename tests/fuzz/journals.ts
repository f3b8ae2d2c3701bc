/**
 * Fuzzes journals: damaged bytes, and lines with a right checksum and wrong contents. The queue
 * must open, keep the entries of the good lines, and accept a new one.
 *
 * @module
 */

import { crc32 } from "../../src/base/crc32.ts";
import { joinLines, splitLines } from "../faults/crash_damage.ts";
import { type Dice, seededDice } from "../faults/crash_dice.ts";
import { fuzz } from "../faults/journal_fuzz.ts";
import { type Fuzzer, FuzzHost, listQueue } from "./fuzzer.ts";
import { changeBytes, changeJson, hostileJson, hostileText, hostileValue, pick } from "./hostile.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** A channel that needs no answer that makes sense, and one that is held. */
const CONFIG = {
  background: false,
  channels: {
    ntfy: {
      kind: "ntfy",
      server: "http://127.0.0.1:1",
      topic: "alerts",
      fallback: { channels: ["gotify"], after: "1h" },
    },
    gotify: { kind: "gotify", server: "http://127.0.0.1:1", token: "A-token" },
    matrix: { homeserver: "http://127.0.0.1:1", accessToken: "token", room: "!a:b" },
  },
};

/** Answers of servers, from which a real journal grows. */
const ANSWERS = [
  () => new Response('{"id":"abc","event_id":"$event"}'),
  () => new Response("{}", { status: 502 }),
  () => new Response('{"code":40013,"error":"bad"}', { status: 400 }),
  () => new Response('{"errcode":"M_UNKNOWN_TOKEN","error":"x"}', { status: 401 }),
  () =>
    new Response('{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}', {
      status: 429,
      headers: { "Retry-After": "9" },
    }),
];

function openHost(): FuzzHost {
  const host = new FuzzHost();
  host.env.MATRIX_NOTIFY_CONFIG = host.write("config.json", JSON.stringify(CONFIG));
  return host;
}

function journalPath(host: FuzzHost): string {
  return `${host.stateDir}/queue/queue.jsonl`;
}

/** Sends notifications through servers that fail, until the journal has most types of records. */
async function growJournal(): Promise<Uint8Array> {
  using host = openHost();
  const dice = seededDice(1);
  host.fetch = () => Promise.resolve(pick(dice, ANSWERS)());
  for (let count = 0; count < 24; count++) {
    const key = dice(2) === 0 ? ["--key", pick(dice, ["disk", "net"])] : [];
    const id = dice(3) === 0 ? ["--id", `id ${count}`] : [];
    const words = [...key, ...id, ...(key.length > 0 && dice(2) === 0 ? ["--resolve"] : [])];
    await host.run(["send", `Subject ${count}`, "--wait", pick(dice, ["0s", "3s"]), ...words]);
    host.time += 60_000;
  }
  await host.run(["flush", "--wait", "5s"]);
  return Deno.readFileSync(journalPath(host));
}

/** Writes the checksum of a line anew. */
function seal(json: string): Uint8Array {
  const body = json.replace(/,"c":"[^"]*"\}$/, "}").replace(/\}$/, "");
  return encoder.encode(`${body},"c":"${crc32(encoder.encode(body))}"}`);
}

/** Changes the content of one line, and keeps its checksum right. */
function changeLine(line: Uint8Array, dice: Dice): Uint8Array {
  let record;
  try {
    record = JSON.parse(decoder.decode(line));
  } catch {
    // An earlier change made the line unreadable.
    return line;
  }
  const kind = dice(6);
  if (kind === 0) return seal(hostileJson({ v: 1, t: hostileText(dice), id: record.id, ...record }));
  if (kind === 1) return seal(hostileJson({ ...record, v: hostileValue(dice) }));
  if (kind === 2) {
    return seal(hostileJson({ ...record, t: pick(dice, ["enq", "att", "nack", "ack", "dead", "batch", "snap"]) }));
  }
  if (kind === 3) {
    const numbers = Object.keys(record).filter((key) => typeof record[key] === "number" && key !== "v");
    const value = pick(dice, [-1, 0, 0.5, 1e15, 2 ** 53, 1e306, -1e306, 8.64e15, 8.64e15 + 1]);
    return seal(JSON.stringify(numbers.length === 0 ? record : { ...record, [pick(dice, numbers)]: value }));
  }
  const { c: _, ...rest } = record;
  return seal(changeJson(rest, dice));
}

/** A damaged journal, and the ids of the entries that no damaged line mentions. */
function damage(journal: Uint8Array, dice: Dice): { bytes: Uint8Array; kind: string } {
  if (dice(5) === 0) return { bytes: changeBytes(journal, dice), kind: "damaged bytes" };
  const lines = splitLines(journal).slice(0, -1);
  for (let times = 1 + dice(4); times > 0; times--) {
    const at = dice(lines.length);
    if (dice(8) === 0) lines.splice(at, 0, lines[dice(lines.length)]);
    else lines[at] = changeLine(lines[at], dice);
  }
  return { bytes: joinLines([...lines, new Uint8Array()]), kind: "changed lines" };
}

/**
 * Returns the ids of the entries whose lines are all in the damaged journal, unchanged and in
 * order. A changed or repeated line may replace an entry with the same key.
 */
function untouched(journal: Uint8Array, bytes: Uint8Array, ids: readonly string[]): readonly string[] {
  const after = decoder.decode(bytes).split("\n");
  const before = decoder.decode(journal).split("\n").slice(0, -1);
  const count = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;
  const others = after.filter((line) => count(after, line) > count(before, line)).join("\n");
  const about = (lines: readonly string[], id: string) => lines.filter((line) => line.includes(id)).join("\n");
  return ids.filter((id) => {
    const lines = about(before, id), key = /"key":"[^"]*"/.exec(lines)?.[0];
    return !others.includes(id) && about(after, id) === lines && (key === undefined || !others.includes(key));
  });
}

async function play(journal: Uint8Array, ids: readonly string[], dice: Dice): Promise<string> {
  using host = openHost();
  const { bytes, kind } = damage(journal, dice);
  Deno.mkdirSync(`${host.stateDir}/queue`, { recursive: true, mode: 0o700 });
  Deno.chmodSync(host.stateDir, 0o700);
  Deno.writeFileSync(journalPath(host), bytes, { mode: 0o600 });
  host.fetch = () => Promise.resolve(pick(dice, ANSWERS)());
  const found = (await listQueue(host)).map(({ text }) => text).join("\n");
  const lost = untouched(journal, bytes, ids).find((id) => !found.includes(id));
  if (lost !== undefined && kind === "changed lines") throw new Error(`The entry ${lost} is lost`);
  for (
    const argv of [["status"], ["status", "--check"], ["status", "--json"], ["queue", "list"], [
      "queue",
      "list",
      "--json",
    ]]
  ) {
    await host.run(argv);
  }
  const [first] = found.split("\n").filter((line) => line !== "");
  if (first !== undefined) await host.run(["queue", "show", JSON.parse(first).id]);
  const sent = await host.run(["send", "A new one", "--wait", pick(dice, ["0s", "5s"]), "--no-background"]);
  if (sent.code !== 0 && sent.code !== 65) throw new Error(`The queue refuses a new entry: ${sent.code}: ${sent.err}`);
  await host.run(["flush", "--wait", "2s", "--no-background"]);
  if (dice(3) === 0) await host.run(["queue", "retry", "--all", "--wait", "5s", "--no-background"]);
  if (dice(3) === 0) await host.run(["doctor"]);
  await listQueue(host);
  return kind;
}

export const journals: Fuzzer = {
  name: "journals",
  async open() {
    const journal = await growJournal();
    using host = openHost();
    Deno.mkdirSync(`${host.stateDir}/queue`, { recursive: true, mode: 0o700 });
    Deno.writeFileSync(journalPath(host), journal, { mode: 0o600 });
    const ids = (await listQueue(host)).map(({ text }) => JSON.parse(text).id);
    return {
      async play(seed) {
        const dice = seededDice(seed);
        if (dice(2) > 0) return await play(journal, ids, dice);
        await fuzz(seed);
        return "damaged bytes in memory";
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};
