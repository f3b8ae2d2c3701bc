/**
 * Finds the Deno permissions that a command needs on this host: a row of the permission table,
 * filled with the hosts, files and programs of the configuration.
 *
 * ```text
 * findAccess: configuration, accounts, cache of homeservers -> hosts, files, programs
 * resolvePermissions: row of the table + access             -> permissions
 * ```
 *
 * @module
 */

import { DELIVERER_COMMAND } from "../../base/deliverer_command.ts";
import { ConfigError } from "../../base/errors.ts";
import { type CommandPermissions, type Files, PERMISSION_TABLE, type Programs } from "../../base/permission_table.ts";
import { LATE_DIRECTORY } from "../../base/program_files.ts";
import { PROXY_VARIABLES, VARIABLES } from "../../base/variables.ts";
import type { ChannelAccess } from "../../channels/kind.ts";
import type { RoomCache } from "../../channels/room_cache.ts";
import type { Config } from "../../config/config.ts";
import { configPaths, socketPath } from "../../config/paths.ts";
import { hostOf, parseProxy } from "../../runtime/address.ts";
import { absolutePath, exists } from "../../runtime/paths.ts";
import { parentDirectory } from "../../runtime/files.ts";
import { hasPermission, INSPECTOR_ADDRESS, type Permission, permissionFlags } from "../../runtime/permissions.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { KILL_PROGRAMS } from "../../runtime/subprocess.ts";
import { SOCKET_HOST } from "../../runtime/unix_socket.ts";
import { findKnownDistrust, isOnReadOnlyMount } from "../../runtime/trust.ts";
import { PACKAGE, unitDirectory } from "./timer_units.ts";

/** The hosts, files and programs that the configuration needs. All paths are absolute. */
export interface Access extends Required<ChannelAccess> {
  readonly stateDir: string;
  /** The possible paths of the configuration file. */
  readonly configFiles: readonly string[];
  readonly unitDir: string | undefined;
  /**
   * The directory of the units of the Debian package. Absent if this user is not root, because only
   * root can install the package.
   */
  readonly packageUnitDir?: string;
  /** The socket of `serve`. Absent if there is none. */
  readonly socket?: string;
}

/** The input of {@linkcode findAccess}. */
export interface AccessSource {
  readonly config: Pick<Config, "channels">;
  readonly stateDir: string;
  /** The configuration file that the caller chose. @default the usual files */
  readonly configFile?: string;
  readonly roomCache: Pick<RoomCache, "get">;
  readonly runtime: Pick<Runtime, "env" | "isRoot">;
}

/** Finds the hosts, files and programs that the configuration needs now. */
export async function findAccess(source: AccessSource): Promise<Access> {
  const { config, stateDir, configFile, roomCache, runtime } = source;
  const all = await Promise.all(config.channels.map(({ access }) => access(roomCache).catch(withoutAccess)));
  return {
    stateDir: absolutePath(stateDir),
    configFiles: findConfigFiles(runtime, configFile),
    unitDir: unitDirectory(runtime),
    packageUnitDir: runtime.isRoot() ? PACKAGE.units : undefined,
    socket: runtime.env("MATRIX_NOTIFY_SOCKET") || exists(socketPath(runtime)) ? socketPath(runtime) : undefined,
    hosts: [...all.flatMap(({ hosts = [] }) => hosts), ...proxyHosts(runtime)],
    usesAnyHost: all.some(({ usesAnyHost }) => usesAnyHost),
    files: all.flatMap(({ files = [] }) => files),
    programs: all.flatMap(({ programs = [] }) => programs),
  };
}

/**
 * Returns the possible paths of the configuration file.
 *
 * @param configFile the file that the caller chose
 */
export function findConfigFiles(runtime: AccessSource["runtime"], configFile: string | undefined): readonly string[] {
  return (configFile === undefined ? configPaths(runtime) : [configFile]).map((path) => absolutePath(path));
}

/** A channel whose address is in an unreadable file cannot send, so it needs no host. */
function withoutAccess(error: unknown): ChannelAccess {
  if (error instanceof ConfigError) return {};
  throw error;
}

function proxyHosts({ env }: Pick<Runtime, "env">): readonly string[] {
  return PROXY_VARIABLES.flatMap((name) => {
    const address = parseProxy(env(name) ?? "");
    return "url" in address ? [hostOf(address.url)] : [];
  });
}

/** Returns the permissions of a row of the table. */
export function resolvePermissions(row: CommandPermissions, access: Access): readonly Permission[] {
  const writes = row.write.flatMap((files) => findFiles(files, access));
  return [
    ...[...findHosts(row, access), ...findSocket(row, access)].map((value) => ({ kind: "net", value } as const)),
    ...row.read.flatMap((files) => findFiles(files, access)).map((value) => ({ kind: "read", value } as const)),
    ...[...writes, ...readOnlyFiles(row, access)].map((value) => ({ kind: "write", value } as const)),
    ...row.env.flatMap((group) => VARIABLES[group]).map((value) => ({ kind: "env", value } as const)),
    ...row.run.flatMap((programs) => findPrograms(programs, access)).map((value) => ({ kind: "run", value } as const)),
    ...row.sys.map((value) => ({ kind: "sys", value } as const)),
  ];
}

/**
 * The environment variables that the deliverer inherits. With these variables, the deliverer finds
 * the same configuration, uses the same proxy and certificates, and finds the cache of Deno.
 */
export const DELIVERER_VARIABLES: readonly string[] = [
  ...PERMISSION_TABLE[DELIVERER_COMMAND].env.flatMap((group) => VARIABLES[group]),
  ...VARIABLES.deno,
];

/**
 * Returns the permissions for the background deliverer. The deliverer gets only permissions that
 * this process also has.
 */
export function delivererPermissions(access: Access): readonly Permission[] {
  // If this process may not connect to every host, the deliverer may only use the known hosts.
  const usesAnyHost = access.usesAnyHost && hasPermission({ kind: "net" });
  const needed = resolvePermissions(PERMISSION_TABLE[DELIVERER_COMMAND], { ...access, usesAnyHost });
  return [...needed, ...commonPermissions()].filter(hasPermission);
}

/** Returns the flags of the permissions that a deliverer needs, but that this process lacks. */
export function findLackingFlags(access: Access): readonly string[] {
  const needed = resolvePermissions(PERMISSION_TABLE[DELIVERER_COMMAND], access);
  return needed.filter((permission) => !hasPermission(permission)).flatMap((permission) =>
    permissionFlags([permission])
  );
}

/**
 * Returns the permissions that every command needs:
 *
 * - to occupy the port of Deno's inspector, so that no other user can use the inspector
 * - to read the modules that are loaded late. This permission is left out if the program was
 *   started from a URL, because its modules are then not files.
 */
export function commonPermissions(): readonly Permission[] {
  const { hostname, port } = INSPECTOR_ADDRESS;
  const source = sourceDirectory();
  return [
    { kind: "net", value: `${hostname}:${port}` },
    ...source === undefined ? [] : [{ kind: "read", value: source } as const],
  ];
}

/** Returns the directory of the modules; undefined if the program was started from a URL. */
function sourceDirectory(): string | undefined {
  const { protocol, pathname } = new URL(LATE_DIRECTORY);
  return protocol === "file:" ? decodeURIComponent(pathname).replace(/\/$/, "") : undefined;
}

/**
 * Returns the permissions of a systemd unit that runs a command. The unit may use every host and
 * read every file, because the configuration can change. The unit may write only what the command
 * writes. The unit of `flush` may not start a deliverer, because `flush --timer` needs none.
 */
export function unitPermissions(command: "flush" | "service alert" | "serve", access: Access): readonly Permission[] {
  const row = PERMISSION_TABLE[command];
  const run = row.run.filter((programs) => command !== "flush" || programs !== "background");
  const needed = resolvePermissions({ ...row, net: "any host", read: ["any file"], run }, access);
  return [...needed, ...commonPermissions()];
}

function findHosts({ net }: CommandPermissions, { hosts, usesAnyHost }: Access): readonly (string | undefined)[] {
  switch (net) {
    case undefined:
      return [];
    case "any host":
      return [undefined];
    case "loopback":
      return ["127.0.0.1", "localhost"];
    case "channels":
      return usesAnyHost ? [undefined] : hosts;
  }
}

/** Deno also requires the permission for the host in the URL of a request through a socket. */
function findSocket({ write }: CommandPermissions, { socket }: Access): readonly string[] {
  return socket !== undefined && write.includes("socket") ? [`unix:${socket}`, SOCKET_HOST] : [];
}

function findFiles(files: Files, access: Access): readonly (string | undefined)[] {
  switch (files) {
    case "any file":
      return [undefined];
    case "config":
      return access.configFiles;
    case "config directory":
      return [parentDirectory(access.configFiles[0])];
    case "named files":
      return access.files;
    case "state":
      return [access.stateDir];
    case "socket":
      return access.socket === undefined ? [] : [access.socket];
    case "units":
      return access.unitDir === undefined ? [] : [access.unitDir];
    case "router scripts": {
      // The bundle contains the texts.
      const [, root] = /^(.*)\/src$/.exec(sourceDirectory() ?? "") ?? [];
      return root === undefined ? [] : [`${root}/scripts`];
    }
    case "package units":
      return access.packageUnitDir === undefined ? [] : [access.packageUnitDir];
    case "given files":
      return [];
  }
}

/**
 * Lists the files with secrets on read-only mounts. The mode of such a file cannot be changed, so
 * matrix-notify accepts every mode. To recognize a read-only mount, a process needs Deno's write
 * permission for the file.
 */
function readOnlyFiles({ read, write }: CommandPermissions, { files, configFiles }: Access): readonly string[] {
  if (!read.includes("named files") || write.length === 0) return [];
  return [...configFiles, ...files].filter((path) =>
    exists(path) && findKnownDistrust(path) === undefined && isOnReadOnlyMount(path)
  );
}

/** The programs that examine the host. `/bin/sh` starts them. */
const HOST_PROGRAMS = [
  ...["/bin/sh", "systemctl", "journalctl", "loginctl", "systemd-notify", "crontab", "df", "stat", "getconf"],
] as const;

function findPrograms(programs: Programs, access: Access): readonly (string | undefined)[] {
  switch (programs) {
    case "exec programs":
      return access.programs.length === 0 ? [] : [...access.programs, ...KILL_PROGRAMS.filter(exists)];
    case "background":
      return [Deno.execPath(), "/bin/sh"];
    case "given command":
      return [undefined];
    case "host programs":
      return HOST_PROGRAMS;
  }
}
