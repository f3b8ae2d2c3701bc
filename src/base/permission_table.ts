/**
 * The Deno permissions of each command, as data. These places use the table: the start of the
 * background deliverer, `matrix-notify permissions`, `deno task matrix-notify`, the build, the
 * README and docs/permissions.md. Tests compare all of them with the table.
 *
 * ```text
 * table row (what a command may use) + configuration (hosts, files, programs) -> flags of Deno
 * ```
 *
 * @module
 */

import { DELIVERER_COMMAND } from "./deliverer_command.ts";
import type { VariableGroup } from "./variables.ts";

/** The words of the table that stand for hosts, files and programs, with their meanings. */
export const PERMISSION_WORDS = {
  channels: "the hosts of the configured channels and their proxies",
  "any host": "all hosts, for example a host that you type or that a homeserver names",
  loopback: "this host only",
  config: "the configuration file",
  "config directory": "the directory of the configuration file",
  "named files": "the files that the configuration names (tokens, passwords, certificates), and the programs of `exec`",
  state: "the state directory",
  socket: "the socket of `serve`, if there is one",
  units: "the directory of the systemd units",
  "router scripts": "the folder `scripts/` with the texts for routers, if the program runs from its modules",
  "package units": "the directory of the units of the Debian package, for root",
  "given files": "the files on the command line",
  "any file": "all files",
  "exec programs": "the programs of `exec` channels, and `kill`",
  background: "Deno, which runs the background process, and `/bin/sh`, which closes inherited files first",
  "given command": "the command on the command line",
  "host programs":
    "`systemctl`, `journalctl`, `loginctl`, `systemd-notify`, `crontab`, `df`, `stat`, `getconf`, and `/bin/sh`, which starts them",
} as const;

/** Hosts; see {@linkcode PERMISSION_WORDS}. */
export type Hosts = "channels" | "any host" | "loopback";

/** Files and directories; see {@linkcode PERMISSION_WORDS}. */
export type Files =
  | "config"
  | "config directory"
  | "named files"
  | "state"
  | "socket"
  | "units"
  | "router scripts"
  | "package units"
  | "given files"
  | "any file";

/** Programs; see {@linkcode PERMISSION_WORDS}. */
export type Programs = "exec programs" | "background" | "given command" | "host programs";

/** Facts about the host: `--allow-sys`. */
export type SystemFact = "hostname" | "uid";

/** The permissions of one command. A command never gets `--allow-ffi`. */
export interface CommandPermissions {
  readonly net?: Hosts;
  readonly read: readonly Files[];
  readonly write: readonly Files[];
  readonly env: readonly VariableGroup[];
  readonly run: readonly Programs[];
  readonly sys: readonly SystemFact[];
}

const OUTPUT = ["output"] as const;
const CONFIG_ENV = ["config", "places", "proxies", ...OUTPUT] as const;

/** Commands that send. They can start the background deliverer. */
const SENDING = {
  net: "channels",
  read: ["config", "named files", "state"],
  write: ["state"],
  env: [...CONFIG_ENV, "programs", "deno", "container"],
  run: ["exec programs", "background"],
  sys: ["hostname", "uid"],
} as const satisfies CommandPermissions;

/**
 * Commands that send, also for a user who cannot read the configuration or use the queue. For such
 * a user, these commands pass the notification to the process `serve` through its socket.
 */
const HANDING_OVER = {
  ...SENDING,
  read: [...SENDING.read, "socket"],
  write: [...SENDING.write, "socket"],
} as const satisfies CommandPermissions;

/** Commands that read the configuration and the queue, and do not send. */
const READING = {
  read: ["config", "named files", "state"],
  write: [],
  env: CONFIG_ENV,
  run: [],
  sys: ["hostname", "uid"],
} as const satisfies CommandPermissions;

/** Commands that change the queue, and do not send. */
const EDITING = { ...READING, write: ["state"] } as const satisfies CommandPermissions;

/**
 * Commands for accounts and rooms. These commands need the permission for all hosts, because a
 * homeserver can name other hosts.
 */
const ACCOUNT = {
  ...SENDING,
  net: "any host",
  read: [...SENDING.read, "given files"],
} as const satisfies CommandPermissions;

/** Commands for the systemd units. */
const UNITS = {
  ...{
    read: ["config", "named files", "state", "units", "package units"],
    write: ["units"],
    run: ["host programs"],
    sys: ["hostname", "uid"],
  },
  env: [...CONFIG_ENV, "programs", "deno"],
} as const satisfies CommandPermissions;

/** Commands that need no permission. */
const NONE = { read: [], write: [], env: OUTPUT, run: [], sys: [] } as const satisfies CommandPermissions;

/**
 * The permissions of each command, in the order of the help. The last row belongs to the background
 * deliverer.
 */
export const PERMISSION_TABLE: Readonly<Record<string, CommandPermissions>> = {
  setup: { ...ACCOUNT, read: [...ACCOUNT.read, "config directory"], write: ["state", "config directory"] },
  "setup router": {
    ...READING,
    read: [...READING.read, "config directory", "router scripts", "given files"],
    write: ["state", "config directory"],
    env: [...CONFIG_ENV, "programs", "deno"],
  },
  send: { ...HANDING_OVER, read: [...HANDING_OVER.read, "given files"] },
  run: { ...HANDING_OVER, run: [...HANDING_OVER.run, "given command"] },
  sendmail: HANDING_OVER,
  serve: {
    ...{ net: "any host", read: ["any file"], write: ["any file"], run: ["exec programs", "host programs"] },
    env: [...CONFIG_ENV, "programs", "service"],
    sys: ["hostname", "uid"],
  },
  flush: SENDING,
  "queue list": READING,
  "queue show": READING,
  "queue retry": SENDING,
  "queue drop": EDITING,
  "queue export": { ...READING, write: ["given files"] },
  "queue purge": EDITING,
  status: READING,
  doctor: { ...ACCOUNT, read: ["any file"], run: ["exec programs", "background", "host programs"] },
  "service install": UNITS,
  "service uninstall": UNITS,
  "service status": UNITS,
  "service alert": { ...SENDING, env: [...SENDING.env, "unit"], run: [...SENDING.run, "host programs"] },
  "route explain": READING,
  "config check": READING,
  "config show": READING,
  "config schema": NONE,
  login: ACCOUNT,
  logout: ACCOUNT,
  whoami: ACCOUNT,
  join: ACCOUNT,
  "room create": ACCOUNT,
  "room list": ACCOUNT,
  permissions: { ...READING, run: ["background"] },
  completions: READING,
  demo: {
    ...{ net: "loopback", read: ["any file"], write: ["any file"], run: ["background"], sys: ["hostname", "uid"] },
    env: SENDING.env,
  },
  [DELIVERER_COMMAND]: {
    ...{ net: "channels", read: ["config", "named files", "state"], write: ["state"], run: ["exec programs"] },
    env: ["config", "places", "proxies", "programs"],
    sys: ["hostname", "uid"],
  },
};

/**
 * The flags with which every command works. They permit all hosts, files, programs and variables.
 * `deno task matrix-notify`, the build and the script in docs/install.md use these flags.
 */
export const PROGRAM_FLAGS: readonly string[] = allFlags(Object.values(PERMISSION_TABLE));

function allFlags(rows: readonly CommandPermissions[]): readonly string[] {
  const sys = new Set(rows.flatMap((row) => row.sys));
  return [
    ...rows.some(({ net }) => net !== undefined) ? ["--allow-net"] : [],
    ...(["read", "write", "env", "run"] as const).filter((kind) => rows.some((row) => row[kind].length > 0))
      .map((kind) => `--allow-${kind}`),
    ...sys.size === 0 ? [] : [`--allow-sys=${[...sys].join(",")}`],
  ];
}
