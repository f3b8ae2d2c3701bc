/**
 * The units of systemd that `matrix-notify service install` writes and the Debian package contains.
 * `matrix-notify-flush.timer` delivers the queue after a restart of the host. The timer is also
 * needed in services, where a background process ends with its service. `matrix-notify@.service`
 * sends an alert when another unit fails. `matrix-notify-serve.service` runs `serve`.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import type { Manager } from "../../runtime/systemd.ts";
import { exists, readIfThere } from "../../runtime/paths.ts";
import { SOCKET_GROUP } from "../../runtime/unix_socket.ts";

/** The name of the timer. */
export const FLUSH_TIMER = "matrix-notify-flush.timer";

/** The name of the service that the timer starts. */
export const FLUSH_SERVICE = "matrix-notify-flush.service";

/** The template of the service that sends an alert. The name after the `@` is the failed unit. */
export const ALERT_SERVICE = "matrix-notify@.service";

/** Where the Debian package installs its files. */
export const PACKAGE = {
  program: "/usr/bin/matrix-notify",
  files: "/usr/lib/matrix-notify",
  units: "/usr/lib/systemd/system",
  config: "/etc/matrix-notify/config.json",
  stateDir: "/var/lib/matrix-notify",
  cache: "/var/cache/matrix-notify",
} as const;

/** The service that runs `serve`. */
export const SERVE_SERVICE = "matrix-notify-serve.service";

/** What the units run. */
export interface UnitPlan {
  /**
   * The command line that starts this program with the permissions of `flush`. All paths are
   * absolute.
   */
  readonly program: readonly string[];
  /** The command line that starts this program with the permissions of `service alert`. */
  readonly alertProgram: readonly string[];
  /**
   * The command line that starts this program with the permissions of `serve`. Absent if `serve` is
   * not installed as a service.
   */
  readonly serveProgram?: readonly string[];
  /** True if the host has the group {@linkcode SOCKET_GROUP}. */
  readonly hasSocketGroup?: boolean;
  /** The options that select the configuration and the queue; `--state-dir` is the last option. */
  readonly places: readonly string[];
  /** The absolute path of the state directory. */
  readonly stateDir: string;
  /** The environment variables that the program needs. */
  readonly env: Readonly<Record<string, string>>;
  readonly manager: Manager;
  /** Who writes the files: `service install`, or the Debian package. */
  readonly origin: "command" | "package";
}

/** A unit file. */
export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The pause between two runs of the timer. With this pause, a queued notification arrives within a
 * minute after the server works again. The minute includes the accuracy of the timer and the start
 * of the program.
 */
const PAUSE = "45s";

/** systemd restarts `serve` if it reports no progress for this time. */
const WATCHDOG = "2min";

/**
 * Restrictions that work with Deno and with the programs of exec channels.
 * `MemoryDenyWriteExecute=` is missing, because V8, the engine of Deno, does not run with this
 * setting. The systemd of a user cannot apply these restrictions.
 */
const HARDENING = [
  "ProtectSystem=full",
  "ProtectControlGroups=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
];

const HEADERS = {
  command: "# Written by `matrix-notify service install`, which replaces this file.",
  package: "# Part of the package matrix-notify. Change it with `systemctl edit`, not here.",
} as const;

/**
 * Returns the plan of the Debian package. The plan names no configuration file, because this file
 * does not exist before root runs `setup`.
 *
 * @param runsInDeno false if the package contains a binary
 */
export function packagePlan(runsInDeno: boolean): UnitPlan {
  return {
    program: [PACKAGE.program],
    alertProgram: [PACKAGE.program],
    places: ["--state-dir", PACKAGE.stateDir],
    stateDir: PACKAGE.stateDir,
    // Without this variable, Deno caches compiled code in the home directory of root.
    env: runsInDeno ? { DENO_DIR: PACKAGE.cache } : {},
    manager: "system",
    origin: "package",
  };
}

/** Creates the unit files. */
export function unitFiles(plan: UnitPlan): readonly UnitFile[] {
  const { alertProgram, serveProgram, places, env, manager, stateDir, origin } = plan;
  const header = HEADERS[origin];
  const common = (command: string) => [
    `ExecStart=${command}`,
    ...Object.entries(env).map(([name, value]) => `Environment=${quoteWord(`${name}=${value}`, "environment")}`),
    "UMask=0077",
    ...(manager === "user" ? [] : [...HARDENING, `ReadWritePaths=-${quoteWord(stateDir, "path")}`]),
  ];
  const service = (command: string) => [
    "[Service]",
    "Type=oneshot",
    // If the service hangs, the timer does not start it again. This limit ends a hanging service.
    "TimeoutStartSec=15min",
    ...common(command),
  ];
  return [
    {
      name: FLUSH_SERVICE,
      text: lines(
        header,
        "[Unit]",
        "Description=Deliver queued notifications of matrix-notify",
        "",
        ...service(`${flushCommand(plan)} ${quoteWords(places)}`),
        // The package enables the timer on every host. Without a queue, the program need not start.
        ...origin === "package" ? [`ExecCondition=/usr/bin/test -e ${quoteWord(`${stateDir}/queue`)}`] : [],
        // Exit code 75: the queue cannot be used at the moment. The timer tries again.
        "SuccessExitStatus=75",
        // Without these two lines, each run adds three lines to the journal of systemd.
        "SyslogLevel=notice",
        "LogLevelMax=notice",
      ),
    },
    {
      name: FLUSH_TIMER,
      text: lines(
        header,
        "[Unit]",
        "Description=Deliver queued notifications of matrix-notify, also after a restart",
        "",
        "[Timer]",
        "OnActiveSec=5s",
        `OnUnitInactiveSec=${PAUSE}`,
        "AccuracySec=5s",
        "",
        "[Install]",
        "WantedBy=timers.target",
      ),
    },
    {
      name: ALERT_SERVICE,
      text: lines(
        header,
        "# To use it, write into the section [Unit] of another service: OnFailure=matrix-notify@%n.service",
        "[Unit]",
        "Description=Send an alert: %i failed",
        "",
        ...service(quoteWords([...alertProgram, "service", "alert", ...places, "--", "%i"])),
      ),
    },
    ...serveProgram === undefined ? [] : [{
      name: SERVE_SERVICE,
      text: lines(
        header,
        "[Unit]",
        "Description=Deliver notifications of matrix-notify, and receive them from other programs",
        "After=network.target",
        "",
        "[Service]",
        "Type=notify",
        // `systemd-notify`, a child process, reports to systemd.
        "NotifyAccess=all",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=always",
        "RestartSec=2s",
        `WatchdogSec=${WATCHDOG}`,
        // A process that was stopped with SIGSTOP reacts only to SIGKILL. The kill loses no
        // notification.
        "WatchdogSignal=SIGKILL",
        "TimeoutStopSec=15s",
        // Each connection needs a file descriptor and some memory. When `serve` cannot open another
        // file, it closes all connections.
        "LimitNOFILE=4096",
        // With this variable, all threads share their free memory. This saves some megabytes.
        "Environment=MALLOC_ARENA_MAX=1",
        // With this variable, `serve` can give unused memory back to the system.
        "Environment=DENO_USR2_MEMORY_TRIM=1",
        ...manager === "user" ? [] : socketDirectory(plan),
        ...common(quoteWords([...serveProgram, "serve", ...places])),
        "",
        "[Install]",
        `WantedBy=${manager === "user" ? "default.target" : "multi-user.target"}`,
      ),
    }],
  ];
}

/** Returns the lines for `/run/matrix-notify`, which stays during a restart of the service. */
function socketDirectory({ hasSocketGroup }: UnitPlan): readonly string[] {
  return [
    ...hasSocketGroup ? [`Group=${SOCKET_GROUP}`] : [],
    "RuntimeDirectory=matrix-notify",
    "RuntimeDirectoryMode=0750",
    "RuntimeDirectoryPreserve=yes",
  ];
}

/** Returns the command that the timer runs, without the options that select the queue. */
export function flushCommand({ program }: Pick<UnitPlan, "program">): string {
  return quoteWords([...program, "flush", "--timer"]);
}

function quoteWords(words: readonly string[]): string {
  return words.map((word) => quoteWord(word)).join(" ");
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

/**
 * Quotes a word of a unit file (systemd.syntax(7)), so that systemd does not change the word. Only
 * `%i` is still replaced by the name of the instance.
 *
 * @param kind `command` for a word of `ExecStart=`; in all other settings, `$` has no meaning
 */
export function quoteWord(word: string, kind: "command" | "environment" | "path" = "command"): string {
  if (/^[\w@%+=:,./-]+$/.test(word) && (word === "%i" || !word.includes("%"))) return word;
  const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replace(CONTROL_REGEXP, escapeControl);
  return `"${kind === "command" ? escaped.replaceAll("$", "$$$$") : escaped}"`;
}

/** Characters that end a line of a unit file, or that a terminal would interpret. */
// deno-lint-ignore no-control-regex
const CONTROL_REGEXP = /[\x00-\x1f\x7f]/g;

function escapeControl(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Returns the directory of the unit files. Returns undefined if the user has no home directory. */
export function unitDirectory(runtime: Pick<Runtime, "env" | "isRoot">): string | undefined {
  if (runtime.isRoot()) return "/etc/systemd/system";
  const [config, home] = [runtime.env("XDG_CONFIG_HOME"), runtime.env("HOME")];
  if (config?.startsWith("/")) return `${config}/systemd/user`;
  return home ? `${home}/.config/systemd/user` : undefined;
}

/**
 * Reads the unit file that is in effect: the file of the user, or the file of the Debian package.
 * Returns undefined if there is none.
 */
export function readUnit(name: string, runtime: Pick<Runtime, "env" | "isRoot">): string | undefined {
  const folder = unitDirectory(runtime);
  const own = folder === undefined ? undefined : readIfThere(`${folder}/${name}`);
  return own ?? (runtime.isRoot() ? readIfThere(`${PACKAGE.units}/${name}`) : undefined);
}

/**
 * Returns true if the user has enabled the timer, and the timer delivers the queue in this
 * directory.
 */
export function isFlushedByTimer(stateDir: string, runtime: Pick<Runtime, "env" | "isRoot">): boolean {
  const folder = unitDirectory(runtime);
  if (folder === undefined) return false;
  return exists(`${folder}/timers.target.wants/${FLUSH_TIMER}`) &&
    readUnit(FLUSH_SERVICE, runtime)?.includes(` --state-dir ${quoteWord(stateDir)}\n`) === true;
}
