/**
 * Ways to damage a file: as disks, editors and programs do.
 *
 * @module
 */

import { type Dice, garbage } from "./crash_dice.ts";

const LF = 0x0a;

/** Returns a damaged copy of bytes. */
export type Damage = (bytes: Uint8Array, dice: Dice) => Uint8Array;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "a flipped bit": (bytes, dice) => {
    const flipped = bytes.slice();
    if (bytes.length > 0) flipped[dice(bytes.length)] ^= 1 << dice(8);
    return flipped;
  },
  "a cut end": (bytes, dice) => bytes.slice(0, dice(bytes.length + 1)),
  "a lost line feed at the end": (bytes) => bytes.slice(0, -1),
  "a hole": (bytes, dice) => {
    const at = dice(bytes.length + 1);
    return splice(bytes, at, Math.min(dice(600), bytes.length - at), new Uint8Array());
  },
  "foreign bytes": (bytes, dice) => splice(bytes, dice(bytes.length + 1), 0, garbage(dice(600), dice)),
  "overwritten bytes": (bytes, dice) => {
    const at = dice(bytes.length + 1), length = Math.min(dice(600), bytes.length - at);
    return splice(bytes, at, length, garbage(length, dice));
  },
  "zeros": (bytes, dice) => {
    const at = dice(bytes.length + 1), length = Math.min(dice(2000), bytes.length - at);
    return splice(bytes, at, length, new Uint8Array(length));
  },
  "zeros at the end": (bytes, dice) => splice(bytes, bytes.length, 0, new Uint8Array(dice(5000))),
  "a byte order mark": (bytes) => splice(bytes, 0, 0, Uint8Array.of(0xef, 0xbb, 0xbf)),
  "carriage returns": (bytes) =>
    joinLines(splitLines(bytes).map((line) => splice(line, line.length, 0, Uint8Array.of(0x0d)))),
  "empty lines": (bytes, dice) =>
    changeLines(bytes, (lines) => lines.splice(dice(lines.length), 0, new Uint8Array(), new Uint8Array())),
  "a line twice": (bytes, dice) =>
    changeLines(bytes, (lines) => lines.splice(dice(lines.length), 0, lines[dice(lines.length)])),
  "a lost line": (bytes, dice) => changeLines(bytes, (lines) => lines.splice(dice(lines.length), 1)),
  "lines that changed places": (bytes, dice) =>
    changeLines(bytes, (lines) => {
      const [a, b] = [dice(lines.length), dice(lines.length)];
      [lines[a], lines[b]] = [lines[b], lines[a]];
    }),
};

const HUGE: Damage = (bytes, dice) => {
  const filler = new Uint8Array(1_000_000 + dice(2_000_000)).fill(0x78);
  return splice(bytes, dice(bytes.length + 1), 0, filler);
};

/** Chooses a way at random; a line of megabytes is rare. */
export function chooseDamage(dice: Dice): readonly [name: string, damage: Damage] {
  if (dice(150) === 0) return ["a line of megabytes", HUGE];
  const all = Object.entries(DAMAGES);
  return all[dice(all.length)];
}

/** Splits a file into lines. The last item is the text after the last line feed. */
export function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}

/** Joins lines; the opposite of {@linkcode splitLines}. */
export function joinLines(lines: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, -1));
  let at = 0;
  for (const line of lines) {
    joined.set(line, at);
    at += line.length + 1;
    if (at <= joined.length) joined[at - 1] = LF;
  }
  return joined;
}

function changeLines(bytes: Uint8Array, change: (lines: Uint8Array[]) => void): Uint8Array {
  const lines = splitLines(bytes);
  change(lines);
  return lines.length === 0 ? new Uint8Array() : joinLines(lines);
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - remove + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}
