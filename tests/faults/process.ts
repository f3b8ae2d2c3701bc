/** Our command line as a real process of the suite. */

import { inheritedConfig } from "../../scripts/std/argv.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

/** Names a file to run in the place of `mod.ts`. */
export const PROGRAM_ENV = "MATRIX_NOTIFY_FAULTS_PROGRAM";

/** No command takes so long, whatever happens to it. */
const RUN_LIMIT_MS = 60_000;

/** What became of a process. */
export interface Ending {
  /** The exit code; undefined when it did not end by itself. */
  readonly code?: number;
  readonly signal: Deno.Signal | null;
  /** What it said, on standard output and then on standard error. */
  readonly text: string;
}

/** A process that was started. */
export interface Running {
  readonly pid: number;
  readonly ending: Promise<Ending>;
}

/**
 * The command line of our program, with a program in front of it that breaks something and then
 * runs it.
 */
export function commandLine(args: readonly string[], through: readonly string[] = []): string[] {
  const program = Deno.env.get(PROGRAM_ENV);
  const file = program === undefined ? [...inheritedConfig(), ENTRY] : ["--no-config", program];
  return [...through, Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", ...file, ...args];
}

/** Starts a command; one that does not end within a minute is ended. */
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

/** An ending in one line. */
export function tell({ code, signal, text }: Ending): string {
  return `exit ${code ?? signal}: ${text.replaceAll("\n", " / ")}`;
}

/** Whether a program is installed and does what it is asked to. */
export function works(path: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(path, { args: [...args], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
