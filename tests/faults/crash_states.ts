/**
 * What a power cut can leave.
 *
 * Of a file: any size that it had, or that lies between, since it was last synced; and for each sector of 512 bytes on its own, what
 * was changed may be there, be as it was before, be zeros or be garbage. Of a directory: each change of a name since it was last synced is seen or not. A
 * rename is one change, so that its target is the old file or the new one, and never missing.
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

/** What is being decided. */
export type Question = "name" | "size" | "sector" | "last sector";

/** Decides: 0 is what was before, the last option is what the process wrote. */
export type Choose = (options: number, question: Question) => number;

/** Nothing survives that was not synced. */
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

/** The states that a power cut can leave: all of them where they are at most `limit`, else the extreme ones and as many others, by the seed. */
export function* crashStates(image: DirectoryImage, limit: number, seed: number): Generator<CrashDisk> {
  const dice = seededDice(seed);
  if (optionsOf(image) <= limit) return yield* allStates(image, dice);
  for (const extreme of EXTREMES) yield crash(image, extreme, dice);
  for (let count = EXTREMES.length; count < limit; count++) yield crash(image, (options) => dice(options), dice);
}

/** The disk after a power cut; all that is on it is durable. */
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
  // The last option is the current size, and the first one the synced size.
  const [low, chosen] = [versions[0].length, choose(range + 1, "size")];
  const size = low <= newest.length ? smallest + chosen : smallest + range - chosen;
  const bytes = new Uint8Array(size);
  bytes.set(versions[0].subarray(0, Math.min(touched, size)));
  for (let at = touched; at < size;) {
    const end = Math.min(size, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    const blank = new Uint8Array();
    // Behind the synced end the old content is zeros anyway.
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

/** Garbage from one offset to another. */
function garbageAt(from: number, to: number, dice: Dice): Uint8Array {
  const bytes = new Uint8Array(to);
  bytes.set(garbage(to - from, dice), from);
  return bytes;
}

/** How many states there are, or more where few bytes are at stake. */
function optionsOf(image: DirectoryImage): number {
  let product = 1;
  crash(image, (options) => {
    product *= options;
    return options - 1;
  }, () => 0);
  return product;
}

/** Counts through all decisions like an odometer: the last one that has options left moves on, those behind it begin anew. */
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
