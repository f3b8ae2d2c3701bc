/**
 * Creates the file of a Unix socket. The directory of the file has mode 0750, so only the owner and
 * the group can use its sockets. A new socket gets mode 0660 a moment after its creation. Until
 * then, only the owner can connect.
 *
 * ```text
 * nothing at the path                     listen
 * a socket that a killed server left      remove it, listen
 * a socket on which a process listens     refuse
 * another file, or another user's socket  refuse
 * ```
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { parentDirectory } from "./files.ts";
import { exists, readIfThere } from "./paths.ts";
import { findDirectoryDistrust } from "./trust.ts";

/** The host and port in the address of a request through a socket. */
export const SOCKET_HOST = "localhost:80";

/** The usual group of the sockets of `serve`. */
export const SOCKET_GROUP = "matrix-notify";

/** The input of {@linkcode prepareSocket}. */
export interface SocketFile {
  readonly path: string;
  /** The group whose members can connect: a name or a number. @default {@linkcode SOCKET_GROUP} */
  readonly group?: string;
}

/**
 * Creates the directory of a socket, and removes the socket of a killed server.
 *
 * @throws {ConfigError} if another user can change the directory, or the path is in use
 */
export async function prepareSocket({ path, group }: SocketFile): Promise<void> {
  const directory = parentDirectory(path);
  const fail = (state: string, hint?: string) => {
    throw new ConfigError(`Cannot create socket ${path}: ${state}`, { hint });
  };
  const distrust = findDirectoryDistrust(directory);
  if (distrust !== undefined) return fail(distrust.state, distrust.hint);
  createDirectory(directory, group);
  const file = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (file === undefined) return;
  if (!file.isSocket) return fail("another file is there", `see: ls -l ${quoteForShell(path)}`);
  if (await probeSocket(path) === "open") {
    return fail("another process listens there", "stop the other process, or change the path");
  }
  if (file.uid !== Deno.uid()) {
    return fail(`it belongs to another user (uid ${file.uid})`, `remove it: rm ${quoteForShell(path)}`);
  }
  await Deno.remove(path);
}

function createDirectory(path: string, group: string | undefined): void {
  try {
    Deno.mkdirSync(path, { mode: 0o750 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  const gid = findGroup(group ?? SOCKET_GROUP);
  if (gid !== undefined) Deno.chownSync(path, null, gid);
}

/**
 * The state of a socket. `open`: a process listens at the socket. `closed`: no process listens.
 * `forbidden`: this user has no permission to connect. `absent`: the directory of the socket does
 * not exist, or Deno denies access.
 */
export type SocketState = "open" | "closed" | "forbidden" | "absent";

/** Connects to a socket, and closes the connection. */
export async function probeSocket(path: string): Promise<SocketState> {
  const state = await connect(path);
  if (state !== "forbidden") return state;
  // The server may have set the mode of the socket between the two calls.
  return isNew(path) ? "closed" : await connect(path);
}

async function connect(path: string): Promise<SocketState> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return "open";
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return "closed";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    if (error instanceof Deno.errors.NotCapable) return "absent";
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // A server that ends removes the file of its socket, but not the directory. If the directory
    // exists, the server may be restarting.
    return exists(parentDirectory(path)) ? "closed" : "absent";
  }
}

/**
 * Returns true if {@linkcode shareSocket} has not set the mode of a socket yet. The system creates
 * sockets with the permission to execute.
 */
function isNew(path: string): boolean {
  try {
    return ((Deno.lstatSync(path).mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/**
 * Lets the group use a new socket. If the settings name no group, and the usual group does not
 * exist or cannot be set, only this user and root can use the socket.
 *
 * @returns the reason why the group cannot use the socket; undefined if the group can
 * @throws {ConfigError} if the settings name a group that does not exist or cannot be set
 */
export function shareSocket({ path, group }: SocketFile): string | undefined {
  const gid = findGroup(group ?? SOCKET_GROUP);
  const state = gid === undefined
    ? `there is no group ${group ?? SOCKET_GROUP}`
    : setGroup(path, gid)
    ? undefined
    : `this user is not a member of group ${group ?? SOCKET_GROUP}`;
  if (state === undefined) {
    Deno.chmodSync(path, 0o660);
    return undefined;
  }
  Deno.chmodSync(path, 0o600);
  if (group !== undefined) throw new ConfigError(`Cannot share socket ${path}: ${state}`);
  return `only this user can send through ${path}: ${state}`;
}

function setGroup(path: string, gid: number): boolean {
  if (Deno.statSync(path).gid === gid) return true;
  try {
    Deno.chownSync(path, null, gid);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/** A closed server removes the file of its socket within this time, in milliseconds. */
const REMOVE_MS = 1_000;

/**
 * Closes the server of a socket whose file another process has removed. When a server closes, Deno
 * removes any file at the path, even the socket of a new server. Therefore this function creates an
 * empty file at the path, and waits until Deno has removed this file.
 *
 * @throws {ConfigError} if there is another file at the path
 */
export async function closeRemovedSocket(
  { path }: SocketFile,
  close: () => void,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  createPlaceholder(path);
  close();
  for (let waitedMs = 0; waitedMs < REMOVE_MS && exists(path); waitedMs++) await sleep(1);
}

function createPlaceholder(path: string): void {
  try {
    Deno.writeTextFileSync(path, "", { createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new ConfigError(`Cannot create socket ${path}: another file is there`, {
        hint: `see: ls -l ${quoteForShell(path)}`,
      });
    }
    // If the directory does not exist, Deno has no file to remove.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Returns the number of a group, or undefined if the host has no such group. */
export function findGroup(group: string): number | undefined {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (readIfThere("/etc/group") ?? "").split("\n").map((line) => line.split(":"));
  const found = lines.find(([name]) => name === group)?.[2];
  return found === undefined ? undefined : Number(found);
}

/** Returns true if a path is a socket. Returns false if this process cannot examine the path. */
export function isSocket(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}

/**
 * Posts a request to a socket.
 *
 * @returns the answer; undefined if there was no complete answer. Even without an answer, the
 *   server may have processed the request
 * @throws {Deno.errors.NotCapable} if Deno denies access to the socket
 */
export async function postToSocket(
  socket: string,
  path: string,
  { body, signal }: { readonly body: FormData; readonly signal: AbortSignal },
): Promise<Response | undefined> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  try {
    const response = await fetch(`http://localhost${path}`, { method: "POST", body, signal, client } as RequestInit);
    return new Response(await response.bytes(), response);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}
