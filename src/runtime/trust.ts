/**
 * Decides whether matrix-notify may trust a file or a directory. Other users of the host must not
 * be able to change it, or to put another file in its place between the check and the opening:
 *
 * - The owner of the file is this user or root, and only the owner can write to it.
 * - The file is a regular file. Opening a pipe or a device could block forever.
 * - The owner of each directory and each symbolic link on the way to the file is also this user or
 *   root. If every user can write to a directory on the way, the directory is sticky (such as
 *   `/tmp`).
 *
 * Deno cannot open a file with `O_NOFOLLOW`, so the owners and modes of the directories protect the
 * program. If the system has no owners (Windows), or if Deno does not permit reading the user id,
 * owners are not checked.
 *
 * @module
 */

import { HintedError } from "../base/errors.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { absolutePath } from "./paths.ts";
import { hasPermission, mayReadSystem } from "./permissions.ts";

/** The reason why a file or a directory is not trusted, and the command that fixes the problem. */
export interface Distrust {
  readonly state: string;
  readonly hint: string;
}

/** A file that is not trusted. The message is the reason, such as `it is a symbolic link`. */
export class UntrustedError extends HintedError {
  override name = "UntrustedError" as const;

  constructor({ state, hint }: Distrust) {
    super(state, { hint });
  }
}

/**
 * How a file or a directory is used:
 *
 * - `file`: a file that the program reads or runs
 * - `own`: a file in the state directory, which only matrix-notify creates
 * - `directory`: a directory in which the program creates files
 * - `folder`: the directory of a configuration
 * - `parent`: any other directory on the way to a file. A group may write to a parent, because the
 *   owner of the parent chose the group.
 */
type Role = "file" | "own" | "directory" | "folder" | "parent";

/** The permission bits with which other users can write, and the sticky bit. */
const OTHERS_WRITE = 0o022, WORLD_WRITES = 0o002, STICKY = 0o1000;

/** The largest number of symbolic links on the way to a file, as in Linux. */
const MAX_LINKS = 40;

/**
 * Examines the way to a file that a user chose: a configuration, a secret, a program. The links on
 * the way are followed one by one. A read-only mount is trusted, because no user of this host can
 * change it.
 *
 * @param folder the role of the directory that contains the file. `folder`: a group must not be
 * able to write to this directory, except if it is sticky. `parent`: a group may write to it.
 * @returns undefined if the file is trusted
 * @throws {Deno.errors.NotFound} if the file does not exist
 * @throws the errors of `lstat`
 */
export function findFileDistrust(path: string, folder: "folder" | "parent" = "parent"): Distrust | undefined {
  if (Deno.build.os === "windows") return judge(path, Deno.statSync(path), "file", path);
  // A missing file is reported as missing, even if its directory is not trusted.
  Deno.lstatSync(path);
  return walk(path, { last: "file", folder, mayBeReadOnly: true, asked: path });
}

/**
 * Like {@linkcode findFileDistrust}, but a file that cannot be examined counts as trusted. A later
 * attempt to read or run this file fails.
 */
export function findKnownDistrust(path: string): Distrust | undefined {
  try {
    return findFileDistrust(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isUnknown(error)) return undefined;
    throw error;
  }
}

/** Options of {@linkcode findDirectoryDistrust}. */
export interface DirectoryOptions {
  /**
   * `folder` if the directory may be sticky, such as `/tmp`.
   *
   * @default {"directory"}
   */
  readonly role?: "directory" | "folder";
  /**
   * The path in the error message of the caller. The reason calls this path `it`. @default `path`
   */
  readonly asked?: string;
}

/**
 * Examines the way to a directory in which the program creates files. A directory that does not
 * exist yet is trusted if its parents are. A directory that cannot be examined counts as trusted. A
 * later attempt to create files in this directory fails.
 *
 * @returns undefined if the directory is trusted
 */
export function findDirectoryDistrust(
  path: string,
  { role = "directory", asked = path }: DirectoryOptions = {},
): Distrust | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    return walk(path, { last: role, folder: "parent", mayBeReadOnly: false, asked });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isUnknown(error)) return undefined;
    throw error;
  }
}

/**
 * Examines one directory, without its parents. If the directory is a symbolic link, also examines
 * each directory on the way to the target of the link.
 *
 * @param role `folder` if the directory may be sticky: in a sticky directory, other users can add
 * files, but not replace the files of this user
 * @param asked the path that the error message already contains; the reason in the error calls this
 * path `it`
 * @returns the facts about the directory or the link; undefined if they are unknown
 * @throws {UntrustedError} if the directory is not trusted
 */
export function requireTrustedDirectory(
  path: string,
  role: "directory" | "folder",
  asked = path,
): TrustFacts | undefined {
  const facts = readFacts(path);
  if (facts === undefined) return undefined;
  const distrust = judge(path, facts, role, asked) ?? (facts.isSymlink ? findDirectoryDistrust(path) : undefined);
  if (distrust !== undefined) throw new UntrustedError(distrust);
  return facts;
}

/**
 * Examines a file that the program created, and the directory of the file.
 *
 * @throws {UntrustedError} if the file or the directory is not trusted
 */
export function requireTrustedOwnFile(directory: string, path: string): void {
  requireTrustedDirectory(directory, "folder", path);
  const facts = readFacts(path);
  const distrust = facts && judge(path, facts, "own", path);
  if (distrust !== undefined) throw new UntrustedError(distrust);
}

/** Reads the facts about a file or a link. Returns undefined if they are unknown. */
function readFacts(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isUnknown(error)) return undefined;
    throw error;
  }
}

/** Returns true if an error means that this process cannot examine a path. */
function isUnknown(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotADirectory;
}

interface WalkOptions {
  /** The role of the last part of the path. */
  readonly last: "file" | "directory" | "folder";
  /** The role of the part before the last part. */
  readonly folder: "folder" | "parent";
  /** True if a part on a read-only mount is trusted. */
  readonly mayBeReadOnly: boolean;
  /** The path in the error message of the caller. The reason calls this path `it`. */
  readonly asked: string;
}

/**
 * Examines each part of a path, from the root to the end. When a part is examined, its parents are
 * already trusted, so no other user can replace the part.
 */
function walk(path: string, { last, folder, mayBeReadOnly, asked }: WalkOptions): Distrust | undefined {
  const whole = absolutePath(path), rest = toParts(whole);
  // In a sticky directory, the owner of a file could replace the file during the call of
  // `isOnReadOnlyMount`. Therefore an untrusted file in a sticky directory is refused without this
  // call.
  let parent = "", isSticky = false;
  for (let links = 0; rest.length > 0;) {
    const name = rest.pop();
    if (name === "..") {
      parent = parent.slice(0, Math.max(0, parent.lastIndexOf("/")));
      isSticky = true;
      continue;
    }
    const here = `${parent}/${name}`;
    const role = rest.length === 0 ? last : rest.length === 1 ? folder : "parent";
    const facts = readIfPermitted(here);
    const distrust = facts && judge(here, facts, role, here === whole && asked === path ? here : asked);
    // The check of the mount calls `chmod`, which follows links. Therefore the check uses the
    // directory of a link, not the link.
    const isFrozen = () => mayBeReadOnly && !isSticky && isOnReadOnlyMount(facts?.isSymlink ? parent || "/" : here);
    if (distrust !== undefined && (distrust.isType || !isFrozen())) return distrust;
    if (!facts?.isSymlink) {
      parent = here;
      isSticky = ((facts?.mode ?? 0) & STICKY) !== 0;
      continue;
    }
    if (++links > MAX_LINKS) {
      return { state: "it has too many symbolic links", hint: `see: namei ${quoteForShell(path)}` };
    }
    const target = Deno.readLinkSync(here);
    rest.push(...toParts(target));
    if (!target.startsWith("/")) continue;
    parent = "";
    isSticky = false;
  }
}

/** Splits a path. The first part is the last element of the list. */
function toParts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".").reverse();
}

/**
 * Reads the facts about one part of a path. Returns undefined if Deno denies access. Never lets
 * Deno ask the user. In the background deliverer, Deno allows access only to the necessary files.
 * The process that started the deliverer has already examined the whole path.
 */
function readIfPermitted(path: string): Deno.FileInfo | undefined {
  if (!hasPermission({ kind: "read", value: path })) return undefined;
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** The reason why one file or directory is not trusted. */
interface Judgement extends Distrust {
  /** True if the reason is the type of the file, not its owner or mode. */
  readonly isType: boolean;
}

/** The properties of a file or a link that decide whether the file is trusted. */
export type TrustFacts = Pick<Deno.FileInfo, "uid" | "mode" | "nlink" | "isFile" | "isDirectory" | "isSymlink">;

/**
 * Examines the owner, mode and type of one file, directory or link.
 *
 * @param asked the path that the error message already contains; the returned reason calls this
 * path `it`
 * @returns undefined if the file, directory or link is trusted
 */
function judge(path: string, facts: TrustFacts, role: Role, asked: string): Judgement | undefined {
  const { uid: owner, mode, nlink, isFile, isDirectory, isSymlink } = facts;
  const me = readUserId();
  const shown = () => quoteForShell(path), it = () => path === asked ? "it" : shown();
  if (role === "own" && isSymlink) {
    return { isType: true, state: `${it()} is a symbolic link`, hint: `replace the link with its target: ${shown()}` };
  }
  if (!isFile && !isDirectory && !isSymlink) {
    const hint = `remove it: rm ${shown()}`;
    return { isType: true, state: `${it()} is a pipe, a socket or a device, not a file`, hint };
  }
  const asRoot = me === undefined || me === 0 || me === owner ? "run" : "as root, run";
  if (owner !== null && me !== undefined && owner !== me && owner !== 0) {
    const all = isDirectory ? "-R " : "";
    const hint = role === "parent"
      ? "move it to a directory of this user or of root"
      : `${asRoot}: chown ${all}${me} ${shown()}, if you trust its content`;
    return { isType: false, state: `${it()} belongs to another user (uid ${owner})`, hint };
  }
  if (isSymlink) return undefined;
  if (mode !== null && isOpen(mode, role)) {
    const hint = `${asRoot}: chmod ${role === "directory" ? "700" : role === "parent" ? "o-w" : "go-w"} ${shown()}`;
    return { isType: false, state: `other users can write to ${it()} (its mode is ${formatMode(mode)})`, hint };
  }
  if (role === "own" && isFile && (nlink ?? 1) > 1) {
    const hint = `${asRoot}: cp -p ${shown()} ${shown()}.copy && mv ${shown()}.copy ${shown()}`;
    return { isType: true, state: `${it()} has a second name (a hard link)`, hint };
  }
}

/** Returns true if other users can write to a file, or replace a file in a directory. */
function isOpen(mode: number, role: Role): boolean {
  if (role === "parent") return (mode & WORLD_WRITES) !== 0 && (mode & STICKY) === 0;
  return (mode & OTHERS_WRITE) !== 0 && (role !== "folder" || (mode & STICKY) === 0);
}

/** The user id of this process. It does not change. Undefined until it is read. */
let userId: { readonly value: number | undefined } | undefined;

function readUserId(): number | undefined {
  userId ??= { value: mayReadSystem("uid") ? Deno.uid() ?? undefined : undefined };
  return userId.value;
}

/** Formats permission bits: `0700`. */
export function formatMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

/**
 * Returns true if a file or directory is on a read-only mount. To find out, sets the mode of the
 * file to its current value. On a read-only mount, `chmod` fails with EROFS, even if this user is
 * not the owner. The caller ensures that no other user can replace the file at the same time.
 */
export function isOnReadOnlyMount(path: string): boolean {
  try {
    const { mode } = Deno.statSync(path);
    if (mode !== null) Deno.chmodSync(path, mode & 0o7777);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}
