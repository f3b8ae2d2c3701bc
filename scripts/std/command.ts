/** Runs other programs to their end. */

/** The result of a command. */
export interface Output {
  /** True for exit code 0. */
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end, without input. A command that does not exist counts as unsuccessful.
 */
export async function run(command: string, args: readonly string[]): Promise<Output> {
  try {
    const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
    const decoder = new TextDecoder();
    return {
      success: output.success,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) throw error;
    return { success: false, stdout: "", stderr: "" };
  }
}

/** Returns the last lines of a text, for an error message. */
export function tail(text: string, lines: number): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
