/** Runs our program as a real process. */

import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { inheritedConfig } from "../../scripts/std/argv.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

/** The environment variable with a file to run instead of `mod.ts`. */
const PROGRAM_ENV = "MATRIX_NOTIFY_FAULTS_PROGRAM";

/** A command that runs longer is killed. */
const RUN_LIMIT_MS = 60_000;

/** The end of a process. */
export interface Ending {
  /** The exit code; undefined if a signal ended it. */
  readonly code?: number;
  readonly signal: Deno.Signal | null;
  /** Standard output, then standard error. */
  readonly text: string;
}

/** A running process. */
export interface Running {
  readonly pid: number;
  readonly ending: Promise<Ending>;
}

/**
 * Bundles the program for all processes that `work` starts. The bundle is what users run, it starts
 * faster, and strace has less to trace.
 */
export async function withBundle<Result>(work: () => Promise<Result>): Promise<Result> {
  const directory = Deno.makeTempDirSync({ prefix: "bundle-" });
  try {
    await buildBundle(directory);
    Deno.env.set(PROGRAM_ENV, `${directory}/${BUNDLE}`);
    return await work();
  } finally {
    Deno.env.delete(PROGRAM_ENV);
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Returns the command line of our program, run through a program that injects a fault. */
export function commandLine(args: readonly string[], through: readonly string[] = []): string[] {
  const program = Deno.env.get(PROGRAM_ENV);
  const file = program === undefined ? [...inheritedConfig(), ENTRY] : ["--no-config", program];
  return [...through, Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", ...file, ...args];
}

/** Starts a command. It is killed after a minute. */
export function start([path, ...args]: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = new Deno.Command(path, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, RUN_LIMIT_MS);
  const ended = async (): Promise<Ending> => {
    const { code, signal, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
    if (isLate) return { signal: "SIGTERM", text: `it does not end: ${text}` };
    return { code: signal === null ? code : undefined, signal, text };
  };
  return { pid: child.pid, ending: ended() };
}

/** Formats an ending in one line. */
export function formatEnding({ code, signal, text }: Ending): string {
  return `exit ${code ?? signal}: ${text.replaceAll("\n", " / ")}`;
}

/** Whether a program is installed and succeeds. */
export function works(path: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(path, { args: [...args], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
