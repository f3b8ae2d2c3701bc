import { assertEquals } from "@std/assert";
import { Output, type OutputStream } from "../../src/runtime/output.ts";

const FULL_DISK = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });

/** Creates an output whose writes fail with the given errors, then write at most 3 bytes each. */
function outputWith(...errors: Error[]) {
  let text = "";
  const writeSync = (bytes: Uint8Array) => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    text += new TextDecoder().decode(bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  const stream: OutputStream = { writeSync, write: (bytes) => Promise.try(writeSync, bytes) };
  return { output: new Output(stream, { hasLineBuffer: false, isTerminal: false }), text: () => text };
}

const BYTES = new TextEncoder().encode("0123456789");

for (const method of ["write", "writeLater"] as const) {
  Deno.test(`Output.${method}() writes everything when the stream takes parts, is full or is interrupted`, async () => {
    const { output, text } = outputWith(
      new Deno.errors.WouldBlock(),
      new Deno.errors.Interrupted(),
      new Deno.errors.WouldBlock(),
    );
    await output[method](BYTES);
    assertEquals([text(), output.state], ["0123456789", "open"]);
  });

  Deno.test(`Output.${method}() discards the rest without an error when the reader has ended`, async () => {
    const { output, text } = outputWith(new Deno.errors.BrokenPipe());
    await output[method](BYTES);
    await output[method](BYTES);
    assertEquals([text(), output.state, output.error], ["", "closed", undefined]);
  });

  Deno.test(`Output.${method}() remembers the first error and writes no more when the disk is full`, async () => {
    const { output, text } = outputWith(FULL_DISK);
    await output[method](BYTES);
    await output[method](BYTES);
    assertEquals([text(), output.state, output.error], ["", "failed", FULL_DISK]);
  });
}

/**
 * Imitates `Deno.stdout` on a pipe that is full at every second write. Rust's line buffer keeps
 * text after the last line break, even if the write then fails.
 */
class FullPipe implements OutputStream {
  text = "";
  #buffer = "";
  #calls = 0;

  writeSync(bytes: Uint8Array): number {
    const given = new TextDecoder().decode(bytes);
    const lines = given.slice(0, given.lastIndexOf("\n") + 1);
    const open = given.slice(lines.length);
    if (lines !== "") this.#put(lines);
    if (open.length >= 1024) this.#put(open);
    else this.#buffer += open;
    if (this.#buffer !== "") this.#put(this.#buffer);
    this.#buffer = "";
    return bytes.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.try(() => this.writeSync(bytes));
  }

  #put(text: string): void {
    if (++this.#calls % 2 === 1) throw new Deno.errors.WouldBlock();
    this.text += text;
  }
}

for (const isTerminal of [false, true]) {
  const where = isTerminal ? "terminal" : "pipe";
  Deno.test(`Output.write() writes nothing twice to a full ${where} that keeps unfinished lines`, async () => {
    const long = "x".repeat(5000);
    for (
      const text of [
        "a\nb\nc",
        "no line break",
        "\n\n",
        `${long}\n${long}`,
        `a\n${long}`,
        `${`${"x".repeat(99)}\n`.repeat(50)}end`,
      ]
    ) {
      const pipe = new FullPipe();
      const output = new Output(pipe, { hasLineBuffer: true, isTerminal });
      output.write(new TextEncoder().encode(text));
      await output.writeLater(new TextEncoder().encode(text));
      assertEquals(pipe.text, text + text);
    }
  });
}
