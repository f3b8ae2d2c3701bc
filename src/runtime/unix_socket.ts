/**
 * Creates the file of a Unix socket. The directory of the file has mode 0750, so only the owner and
 * the group can use its sockets.
 *
 * ```text
 * nothing at the path                     create the socket
 * a socket that a killed server left      remove it, create the socket
 * a socket on which a process listens     refuse
 * another file, or another user's socket  refuse
 * ```
 *
 * A client sees the socket only in its final state:
 *
 * ```text
 * lock the directory -> remove the sockets of killed servers -> listen at a temporary name
 *   -> set group and mode -> link to the path -> remove the temporary name -> release the lock
 * ```
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { quoteForShell } from "../base/shell_word.ts";
import { parentDirectory } from "./files.ts";
import { exists, readIfThere, TEMPORARY_SOCKET_BYTES } from "./paths.ts";
import type { Runtime } from "./runtime.ts";
import { findDirectoryDistrust } from "./trust.ts";

/** The host and port in the address of a request through a socket. */
export const SOCKET_HOST = "localhost:80";

/** The usual group of the sockets of `serve`. */
export const SOCKET_GROUP = "matrix-notify";

/** The place of a socket. */
export interface SocketAddress {
  readonly path: string;
  /** The group whose members can connect: a name or a number. @default {@linkcode SOCKET_GROUP} */
  readonly group?: string;
}

/** A server that listens on a socket. */
export interface OpenSocket<Server> {
  readonly server: Server;
  readonly file: SocketFile;
  /** The reason why the group cannot use the socket; undefined if the group can. */
  readonly unshared: string | undefined;
}

/** How long a server waits for the lock of the directory, in milliseconds. */
const LOCK_MS = 2_000;

/** The pause between two attempts to lock the directory, in milliseconds. */
const LOCK_PAUSE_MS = 10;

/**
 * Opens a server on a new socket.
 *
 * @param listen opens the server at a path
 * @throws {ConfigError} if another user can change the directory, the path is in use, or the
 *   settings name a group that does not exist or cannot be set
 */
export async function openSocket<Server extends Pick<Deno.HttpServer, "shutdown">>(
  address: SocketAddress,
  listen: (path: string) => Server,
  runtime: Pick<Runtime, "sleep">,
): Promise<OpenSocket<Server>> {
  const { path } = address;
  prepareDirectory(address);
  using lock = await lockDirectory(parentDirectory(path), runtime);
  if (lock !== undefined) await removeTemporaryNames(path);
  await removeOldSocket(path);
  // When a server closes, Deno removes any file at the path where it listens. Therefore each server
  // has a temporary name of its own.
  const temporary = `${path}.${crypto.randomUUID().slice(1 - TEMPORARY_SOCKET_BYTES)}`;
  const server = listen(temporary);
  try {
    const unshared = shareSocket(address, temporary);
    const file = new SocketFile(path, Deno.lstatSync(temporary));
    linkNew(temporary, path);
    Deno.removeSync(temporary);
    return { server, file, unshared };
  } catch (error) {
    await server.shutdown();
    throw error;
  }
}

/**
 * Locks a directory, so that one server at a time removes and creates sockets in it.
 *
 * @returns undefined if the directory cannot be locked. Every user who can read the directory can
 *   keep the lock. `serve` must start without it.
 */
async function lockDirectory(path: string, { sleep }: Pick<Runtime, "sleep">): Promise<Disposable | undefined> {
  for (let waitedMs = 0; waitedMs <= LOCK_MS; waitedMs += LOCK_PAUSE_MS) {
    if (waitedMs > 0) await sleep(LOCK_PAUSE_MS);
    try {
      using opened = new DisposableStack();
      const directory = opened.use(Deno.openSync(path));
      if (directory.tryLockSync(true)) return opened.move();
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/**
 * Removes the temporary names that killed servers left. Call this function with the lock of the
 * directory: then the name of a server that is about to listen is not removed.
 */
async function removeTemporaryNames(path: string): Promise<void> {
  const directory = parentDirectory(path), base = path.slice(path.lastIndexOf("/") + 1);
  try {
    for (const { name } of [...Deno.readDirSync(directory)]) {
      if (!name.startsWith(`${base}.`) || name.length !== base.length + TEMPORARY_SOCKET_BYTES) continue;
      const file = `${directory}/${name}`, { isSocket, uid } = Deno.lstatSync(file);
      if (isSocket && uid === Deno.uid() && await probeSocket(file) === "closed") Deno.removeSync(file);
    }
  } catch {
    // The next start removes the names.
  }
}

function linkNew(temporary: string, path: string): void {
  try {
    Deno.linkSync(temporary, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) refuseUsed(path);
    throw error;
  }
}

/** The file of an open socket. Another process can remove or replace the file. */
export class SocketFile {
  readonly #path: string;
  readonly #created: Deno.FileInfo;

  constructor(path: string, created: Deno.FileInfo) {
    this.#path = path;
    this.#created = created;
  }

  /** Returns true if clients can still find the socket. */
  isThere(): boolean {
    try {
      const { dev, ino } = Deno.lstatSync(this.#path);
      return dev === this.#created.dev && ino === this.#created.ino;
    } catch {
      return false;
    }
  }

  /**
   * Removes the file, but not a file of another server. Call this method while the server listens:
   * afterwards, a new file can get the same inode number.
   */
  remove(): void {
    try {
      if (this.isThere()) Deno.removeSync(this.#path);
    } catch {
      // The next server at this path removes the file.
    }
  }
}

function prepareDirectory({ path, group }: SocketAddress): void {
  const directory = parentDirectory(path);
  const distrust = findDirectoryDistrust(directory);
  if (distrust !== undefined) return refuse(path, distrust.state, distrust.hint);
  createDirectory(directory, group);
}

/** Removes the socket of a killed server. */
async function removeOldSocket(path: string): Promise<void> {
  const file = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (file === undefined) return;
  if (!file.isSocket) return refuse(path, "another file is there", `see: ls -l ${quoteForShell(path)}`);
  // The socket is also in use if only another type of connection is possible, such as datagrams.
  if (["open", "impossible"].includes(await probeSocket(path))) return refuseUsed(path);
  if (file.uid !== Deno.uid()) {
    return refuse(path, `it belongs to another user (uid ${file.uid})`, `remove it: rm ${quoteForShell(path)}`);
  }
  await Deno.remove(path);
}

function refuseUsed(path: string): never {
  refuse(path, "another process listens there", "stop the other process, or change the path");
}

function refuse(path: string, state: string, hint?: string): never {
  throw new ConfigError(`Cannot create socket ${path}: ${state}`, { hint });
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
 * The state of a socket:
 *
 * - `open`: a process listens at the socket
 * - `closed`: no process listens
 * - `forbidden`: this user has no permission to connect
 * - `absent`: the directory of the socket does not exist, or Deno denies access
 * - `impossible`: there can be no socket at this path
 */
export type SocketState = "open" | "closed" | "forbidden" | "absent" | "impossible";

/** Connects to a socket, and closes the connection. */
export async function probeSocket(path: string): Promise<SocketState> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return "open";
  } catch (error) {
    // The process that listens is slow: as many connections as possible wait for it.
    if (error instanceof Deno.errors.WouldBlock) return "open";
    if (error instanceof Deno.errors.ConnectionRefused) return "closed";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    if (error instanceof Deno.errors.NotCapable) return "absent";
    if (error instanceof Deno.errors.NotFound) {
      // A server that ends removes the file of its socket, but not the directory. If the directory
      // exists, the server may be restarting.
      return exists(parentDirectory(path)) ? "closed" : "absent";
    }
    // For example, the path is too long, or a part of the path is a file.
    return "impossible";
  }
}

/**
 * Lets the group use a socket. If the settings name no group, and the usual group does not exist or
 * cannot be set, only this user and root can use the socket.
 *
 * @param file the current name of the socket
 * @returns the reason why the group cannot use the socket; undefined if the group can
 * @throws {ConfigError} if the settings name a group that does not exist or cannot be set
 */
export function shareSocket({ path, group }: SocketAddress, file: string = path): string | undefined {
  const gid = findGroup(group ?? SOCKET_GROUP);
  const state = gid === undefined
    ? `there is no group ${group ?? SOCKET_GROUP}`
    : setGroup(file, gid)
    ? undefined
    : `this user is not a member of group ${group ?? SOCKET_GROUP}`;
  if (state === undefined) {
    Deno.chmodSync(file, 0o660);
    return undefined;
  }
  if (group !== undefined) throw new ConfigError(`Cannot share socket ${path}: ${state}`);
  Deno.chmodSync(file, 0o600);
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

/** Returns the number of a group, or undefined if the host has no such group. */
export function findGroup(group: string): number | undefined {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (readIfThere("/etc/group") ?? "").split("\n").map((line) => line.split(":"));
  const found = lines.find(([name]) => name === group)?.[2];
  return found === undefined ? undefined : Number(found);
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
