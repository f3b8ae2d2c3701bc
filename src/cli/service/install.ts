/** Installs, removes and shows the units of systemd. */

import { quoteForShell } from "../../base/shell_word.ts";
import { PROXY_VARIABLES, VARIABLES } from "../../base/variables.ts";
import { configPath, stateDirPath } from "../../config/paths.ts";
import {
  ALERT_SERVICE,
  FLUSH_SERVICE,
  FLUSH_TIMER,
  flushCommand,
  PACKAGE,
  packagePlan,
  readUnit,
  SERVE_SERVICE,
  unitDirectory,
  type UnitFile,
  unitFiles,
  type UnitPlan,
} from "../../notifier/background/timer_units.ts";
import { absolutePath, exists, readIfThere } from "../../runtime/paths.ts";
import { denoDirectory } from "../../runtime/program.ts";
import { denoFiles, replaceFile } from "../../runtime/files.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { findGroup, SOCKET_GROUP } from "../../runtime/unix_socket.ts";
import { findDirectoryDistrust } from "../../runtime/trust.ts";
import type { CommandContext, ContextFor } from "../command.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { crontabLines } from "../shell.ts";

/** Where the units are, and what they contain. */
interface Installation {
  /** The directory of the units of this user. */
  readonly folder: string;
  readonly files: readonly UnitFile[];
  readonly plan: UnitPlan;
}

/** Writes the unit files and enables the timer. */
export async function installUnits(
  context: ContextFor<readonly [{ name: "serve"; summary: string }, { name: "dry-run"; summary: string }]>,
): Promise<number> {
  const { args, runtime, ui } = context;
  const installation = await planInstallation(context, args.has("serve"));
  const { folder, files, plan } = installation;
  if (args.has("dry-run")) {
    const shown = plan.origin === "package" ? PACKAGE.units : folder;
    for (const { name, text } of files) ui.data(`# ${shown}/${name}\n${text}`);
    return EXIT.ok;
  }
  if (!await runtime.hasSystemd()) {
    ui.fail(
      "Cannot install the timer: this host does not run systemd",
      "add these two lines with crontab -e; after that, cron delivers queued notifications",
    );
    for (const line of crontabLines(plan)) ui.data(line);
    return EXIT.unavailable;
  }
  warnAboutVariables(context);
  if (plan.origin === "package") {
    // An old unit in `folder` would override the unit of the package.
    removeUnits(installation, ui.data.bind(ui));
    ui.data(`the units of the package are in ${PACKAGE.units}`);
  } else {
    requireTrustedFolder(folder);
    Deno.mkdirSync(folder, { recursive: true });
    for (const { name, text } of files) writeUnit(`${folder}/${name}`, text, ui.data.bind(ui));
  }
  await systemctl(runtime, "daemon-reload");
  await systemctl(runtime, "enable", "--quiet", FLUSH_TIMER);
  await systemctl(runtime, "restart", FLUSH_TIMER);
  ui.data(`${FLUSH_TIMER} is active: it delivers queued notifications every 45 s, also after a restart`);
  if (args.has("serve")) await startServe(installation, context);
  ui.tell(
    "",
    "To get an alert when a unit fails, write into its section [Unit]:",
    "  OnFailure=matrix-notify@%n.service",
    `For all services of ${
      runtime.isRoot() ? "this host" : "this user"
    }, write the section [Unit] with this line to ${folder}/service.d/matrix-notify.conf.`,
    ...await lingerHint(runtime),
  );
  return EXIT.ok;
}

async function startServe({ plan }: Installation, { runtime, ui }: CommandContext): Promise<void> {
  await systemctl(runtime, "enable", "--quiet", SERVE_SERVICE);
  await systemctl(runtime, "restart", SERVE_SERVICE);
  ui.data(`${SERVE_SERVICE} is active`);
  if (plan.manager === "user" || plan.hasSocketGroup) return;
  ui.fail(
    `Only root can use the local socket: there is no group ${SOCKET_GROUP}`,
    `run: groupadd --system ${SOCKET_GROUP}; then run matrix-notify service install --serve again`,
  );
}

/** @throws {CommandError} if another user can change the units */
function requireTrustedFolder(folder: string): void {
  const distrust = findDirectoryDistrust(folder, { role: "folder" });
  if (distrust === undefined) return;
  throw new CommandError(`Cannot write units to ${folder}: ${distrust.state}`, EXIT.noPerm, { hint: distrust.hint });
}

/** Writes a unit file. If the path is a symbolic link, the link is replaced. */
function writeUnit(path: string, text: string, print: (line: string) => void): void {
  const isCurrent = exists(path) && Deno.lstatSync(path).isFile && readIfThere(path) === text;
  if (!isCurrent) replaceFile(denoFiles, path, text);
  // With this mode, every user can read the file. Otherwise, systemd prints a warning.
  Deno.chmodSync(path, 0o644);
  print(`${isCurrent ? "unchanged" : "wrote"} ${path}`);
}

/** Stops the timer and removes the files. The files of the Debian package stay. */
export async function uninstallUnits(context: CommandContext): Promise<number> {
  const { runtime, ui } = context;
  const installation = await planInstallation(context, true);
  const { folder, files } = installation;
  const inPackage = runtime.isRoot() && exists(`${PACKAGE.units}/${FLUSH_TIMER}`);
  if (!inPackage && !files.some(({ name }) => exists(`${folder}/${name}`))) {
    ui.data(`nothing is installed in ${folder}`);
    return EXIT.ok;
  }
  if (await runtime.hasSystemd()) await systemctl(runtime, "disable", "--now", "--quiet", FLUSH_TIMER);
  if (await runtime.hasSystemd() && exists(`${folder}/${SERVE_SERVICE}`)) {
    await systemctl(runtime, "disable", "--now", "--quiet", SERVE_SERVICE);
  }
  removeUnits(installation, ui.data.bind(ui));
  if (inPackage) ui.data(`${FLUSH_TIMER} is disabled; its file in ${PACKAGE.units} belongs to the package`);
  if (await runtime.hasSystemd()) await systemctl(runtime, "daemon-reload");
  return EXIT.ok;
}

/** Removes the units from `folder`. The units of the package stay. */
function removeUnits({ folder, files }: Installation, print: (line: string) => void): void {
  for (const path of files.map(({ name }) => `${folder}/${name}`).filter(exists)) {
    Deno.removeSync(path);
    print(`removed ${path}`);
  }
}

/** Prints the state of the timer. Returns 0 if the timer is active. */
export async function printStatus(context: CommandContext): Promise<number> {
  const { runtime, ui } = context;
  const { folder, files, plan } = await planInstallation(context);
  const texts = new Map(files.map(({ name }) => [name, readUnit(name, runtime)]));
  if (texts.get(FLUSH_TIMER) === undefined || texts.get(FLUSH_SERVICE) === undefined) {
    ui.data(`${FLUSH_TIMER}: not installed in ${folder}`);
    ui.fail("After a restart of the host, queued notifications wait for the next send", INSTALL_HINT);
    return EXIT.unavailable;
  }
  const timer = await readProperties(runtime, FLUSH_TIMER, ["ActiveState", "UnitFileState", "LastTriggerUSec"]);
  const service = await readProperties(runtime, FLUSH_SERVICE, ["Result", "ExecMainStatus"]);
  ui.data(`${FLUSH_TIMER}: ${timer.ActiveState || "unknown"}, ${timer.UnitFileState || "unknown"}`);
  ui.data(`last run: ${timer.LastTriggerUSec || "never"}, result ${service.Result || "unknown"}`);
  ui.data(`alerts: ${texts.get(ALERT_SERVICE) === undefined ? "not installed" : "OnFailure=matrix-notify@%n.service"}`);
  if (timer.ActiveState !== "active" || timer.UnitFileState !== "enabled") {
    ui.fail("The timer is not active", INSTALL_HINT);
    return EXIT.unavailable;
  }
  if (!texts.get(FLUSH_SERVICE)?.includes(`\nExecStart=${flushCommand(plan)} `)) {
    ui.fail(`The program has changed since ${folder}/${FLUSH_SERVICE} was written`, INSTALL_HINT);
  }
  if (service.Result !== undefined && !["success", NO_QUEUE].includes(service.Result)) {
    const user = runtime.isRoot() ? "" : "--user ";
    ui.fail(
      `The last run failed with exit code ${service.ExecMainStatus}`,
      `see: journalctl ${user}-u ${FLUSH_SERVICE}`,
    );
  }
  return EXIT.ok;
}

const INSTALL_HINT = "run: matrix-notify service install";

/**
 * The result that systemd reports if it did not start the program, because there is no queue yet.
 */
const NO_QUEUE = "exec-condition";

async function planInstallation(context: CommandContext, hasServe = false): Promise<Installation> {
  const { args, runtime } = context;
  const folder = unitDirectory(runtime);
  if (folder === undefined) {
    throw new CommandError("Cannot find the directory of the systemd units: HOME is not set", EXIT.config);
  }
  const configFile = absolutePath(args.text("config") ?? configPath(runtime));
  const stateDir = absolutePath(args.text("state-dir") ?? stateDirPath(runtime));
  const { words } = await runtime.program();
  const env = unitVariables(runtime, words.length > 1);
  const manager = runtime.isRoot() ? "system" : "user";
  // The units of the package use fixed paths for the configuration and the queue. They set no
  // environment variables except DENO_DIR.
  const isPackaged = !hasServe && manager === "system" &&
    words.some((word) => word.startsWith(`${PACKAGE.files}/`)) &&
    configFile === PACKAGE.config && stateDir === PACKAGE.stateDir &&
    Object.keys(env).every((name) => name === "DENO_DIR");
  const { serveProgram, ...programs } = await restrict(words, context);
  const plan: UnitPlan = isPackaged ? packagePlan(words.length > 1) : {
    ...programs,
    ...hasServe ? { serveProgram, hasSocketGroup: findGroup(SOCKET_GROUP) !== undefined } : {},
    places: [...exists(configFile) ? ["--config", configFile] : [], "--state-dir", stateDir],
    stateDir,
    env,
    manager,
    origin: "command",
  };
  return { folder, plan, files: unitFiles(plan) };
}

/**
 * Adds the permissions of Deno to the command line of each unit. The permissions of a compiled
 * program cannot be changed, so its command line stays the same.
 */
async function restrict(
  words: readonly string[],
  context: CommandContext,
): Promise<Pick<UnitPlan, "program" | "alertProgram" | "serveProgram">> {
  if (words.length === 1) return { program: words, alertProgram: words, serveProgram: words };
  const { openQueueOnly } = await import("../notifier.ts");
  const { unitPermissions } = await import("../../notifier/background/permissions.ts");
  const { permissionFlags } = await import("../../runtime/permissions.ts");
  const { withPermissions } = await import("../../runtime/program.ts");
  await using notifier = await openQueueOnly(context);
  const access = await notifier.findAccess();
  const [program, alertProgram, serveProgram] = (["flush", "service alert", "serve"] as const).map((command) =>
    withPermissions(words, permissionFlags(unitPermissions(command, access)))
  );
  return { program, alertProgram, serveProgram };
}

/** The environment variables that set which TLS certificates Deno trusts. */
const CONNECTION_VARIABLES = ["DENO_CERT", "DENO_TLS_CA_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/**
 * Returns the environment variables for the units. They must not contain secrets, because every
 * user can read a unit.
 */
function unitVariables({ env }: Runtime, runsInDeno: boolean): Readonly<Record<string, string>> {
  const denoDir = denoDirectory(env);
  const proxies = [...PROXY_VARIABLES, "NO_PROXY", "no_proxy"].filter((name) => !env(name)?.includes("@"));
  const passed = [...CONNECTION_VARIABLES, ...proxies].flatMap((name) => env(name) ? [[name, env(name) ?? ""]] : []);
  return {
    // System units have no HOME variable. Without HOME, Deno needs DENO_DIR to find its cache.
    ...(runsInDeno && denoDir !== undefined ? { DENO_DIR: absolutePath(denoDir) } : {}),
    ...Object.fromEntries(passed),
  };
}

/**
 * Warns about environment variables that are not copied to the units, because they can contain
 * secrets.
 */
function warnAboutVariables({ args, runtime, ui }: CommandContext): void {
  const { env } = runtime;
  const missing = [
    ...VARIABLES.config.filter((name) => name !== "MATRIX_NOTIFY_CONFIG" && env(name)),
    ...PROXY_VARIABLES.filter((name) => env(name)?.includes("@")),
  ];
  if (missing.length === 0) return;
  ui.fail(
    `The systemd units do not get the variables ${missing.join(", ")}`,
    `write these settings to ${absolutePath(args.text("config") ?? configPath(runtime))}`,
  );
}

/**
 * Returns a hint if lingering is not enabled (loginctl(1)). Without lingering, the systemd of a
 * user stops when the user logs out.
 */
async function lingerHint(runtime: Runtime): Promise<readonly string[]> {
  if (runtime.isRoot()) return [];
  const user = runtime.env("USER") ?? runtime.env("LOGNAME") ?? "";
  const answer = await runtime.ask(
    "loginctl",
    ["show-user", "--property=Linger", "--value", ...user === "" ? [] : ["--", user]],
    runtime.timeout(ANSWER_MS),
  );
  if (answer?.trim() === "yes") return [];
  return [
    "",
    "The timer runs only while you are logged in. To run it always, also after a restart:",
    `  sudo loginctl enable-linger ${user && quoteForShell(user)}`.trimEnd(),
  ];
}

const ANSWER_MS = 30_000;

async function readProperties<Name extends string>(
  runtime: Runtime,
  unit: string,
  names: readonly Name[],
): Promise<Partial<Record<Name, string>>> {
  const options = names.map((name) => `--property=${name}`);
  const user = runtime.isRoot() ? [] : ["--user"];
  const text = await runtime.ask("systemctl", [...user, "show", ...options, "--", unit], runtime.timeout(ANSWER_MS));
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) values[name] = new RegExp(`^${name}=(.*)$`, "m").exec(text ?? "")?.[1];
  return values;
}

/** Runs systemctl. @throws {CommandError} if it fails */
async function systemctl(runtime: Runtime, ...args: readonly string[]): Promise<void> {
  const user = runtime.isRoot() ? [] : ["--user"];
  const signal = runtime.timeout(ANSWER_MS);
  const { code, stderr } = await runtime.run({
    path: "systemctl",
    args: [...user, ...args],
    env: {},
    stdin: "",
    signal,
  });
  if (code === 0) return;
  const isUnreachable = !runtime.isRoot() && /bus/i.test(stderr);
  throw new CommandError(
    `Cannot run systemctl ${args.join(" ")}: ${stderr.trim() || `exit code ${code}`}`,
    EXIT.unavailable,
    {
      hint: isUnreachable
        ? "log in as this user, not with su or sudo; or run as root: loginctl enable-linger USER, then try again"
        : undefined,
    },
  );
}
