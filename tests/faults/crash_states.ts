/**
 * The states that a power cut can leave.
 *
 * A file can have any size between the smallest and the largest since its last sync. Each sector of
 * 512 bytes can have the new content, the old content, zeros or garbage. In a directory each change
 * since the last sync is visible or not. A rename is one change: its target is the old file or the
 * new one, but never missing.
 *
 * @module
 */

import { type Dice, garbage, seededDice } from "./crash_dice.ts";
import {
  applyChange,
  CrashDisk,
  type DirectoryImage,
  DiskDirectory,
  DiskFile,
  type FileImage,
  type NodeImage,
} from "./crash_disk.ts";

const SECTOR_BYTES = 512;

/** What {@linkcode Choose} decides. */
export type Question = "name" | "size" | "sector" | "last sector";

/** Chooses an option: 0 is the state before, the last one is what the process wrote. */
export type Choose = (options: number, question: Question) => number;

/** Only synced changes survive. */
export const nothingSurvives: Choose = () => 0;

const everythingSurvives: Choose = (options) => options - 1;

const EXTREMES: readonly Choose[] = [
  nothingSurvives,
  everythingSurvives,
  // Only the last sector survives.
  (options, question) => question === "sector" ? 0 : options - 1,
  // Names without bytes, and bytes without names.
  (options, question) => question === "name" ? options - 1 : 0,
  (options, question) => question === "name" ? 0 : options - 1,
  // The size arrived and nothing else did, and all but the last byte.
  (options, question) => question === "size" ? options - 1 : question === "name" ? 1 : 0,
  (options, question) => question === "size" ? Math.max(0, options - 2) : options - 1,
];

/**
 * Creates states: all of them if they are at most `limit`; otherwise the extreme ones and random
 * ones.
 */
export function* crashStates(image: DirectoryImage, limit: number, seed: number): Generator<CrashDisk> {
  const dice = seededDice(seed);
  if (countStates(image) <= limit) return yield* allStates(image, dice);
  for (const extreme of EXTREMES) yield crash(image, extreme, dice);
  for (let count = EXTREMES.length; count < limit; count++) yield crash(image, (options) => dice(options), dice);
}

/** Creates the disk after a power cut. */
export function crash(image: DirectoryImage, choose: Choose, dice: Dice): CrashDisk {
  let files = 0;
  const survivors = new Map<NodeImage, DiskFile | DiskDirectory>();
  const survive = (node: NodeImage): DiskFile | DiskDirectory => {
    const known = survivors.get(node);
    if (known !== undefined) return known;
    const made = node.kind === "file" ? new DiskFile(++files, fileAfter(node, choose, dice)) : directoryAfter(node);
    survivors.set(node, made);
    return made;
  };
  const directoryAfter = ({ durable, changes }: DirectoryImage): DiskDirectory => {
    const names = new Map(durable);
    for (const change of changes) if (choose(2, "name") === 1) applyChange(names, change);
    return new DiskDirectory(new Map(Array.from(names, ([name, node]) => [name, survive(node)])));
  };
  return new CrashDisk(directoryAfter(image));
}

function fileAfter({ versions, touched }: FileImage, choose: Choose, dice: Dice): Uint8Array {
  if (versions.length === 1) return versions[0];
  const newest = versions[versions.length - 1];
  const sizes = versions.map((version) => version.length);
  const smallest = Math.min(...sizes), range = Math.max(...sizes) - smallest;
  // The first option is the synced size, the last one the current size.
  const [low, chosen] = [versions[0].length, choose(range + 1, "size")];
  const size = low <= newest.length ? smallest + chosen : smallest + range - chosen;
  const bytes = new Uint8Array(size);
  bytes.set(versions[0].subarray(0, Math.min(touched, size)));
  for (let at = touched; at < size;) {
    const end = Math.min(size, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    const blank = new Uint8Array();
    // After the synced end the old content is zeros.
    const contents = [
      versions[0],
      garbageAt(at, end, dice),
      ...(versions[0].length > at ? [blank] : []),
      ...versions.slice(1),
    ];
    const choice = choose(contents.length, end === size ? "last sector" : "sector");
    bytes.set(contents[choice].subarray(at, end), at);
    at = end;
  }
  return bytes;
}

/** Creates garbage between two offsets. */
function garbageAt(from: number, to: number, dice: Dice): Uint8Array {
  const bytes = new Uint8Array(to);
  bytes.set(garbage(to - from, dice), from);
  return bytes;
}

/** Counts the states; the result can be too high for few bytes. */
function countStates(image: DirectoryImage): number {
  let product = 1;
  crash(image, (options) => {
    product *= options;
    return options - 1;
  }, () => 0);
  return product;
}

/** Creates all states, counting like an odometer. */
function* allStates(image: DirectoryImage, dice: Dice): Generator<CrashDisk> {
  let path: number[] = [];
  for (;;) {
    const sides: number[] = [];
    yield crash(image, (options) => {
      sides.push(options);
      return path[sides.length - 1] ?? 0;
    }, dice);
    path = sides.map((_, at) => path[at] ?? 0);
    while (path.length > 0 && path[path.length - 1] === sides[path.length - 1] - 1) path.pop();
    if (path.length === 0) return;
    path[path.length - 1]++;
  }
}
