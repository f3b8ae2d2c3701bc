/**
 * What the tests with a real homeserver use: one Synapse for a file, and our command line as a real process (`cli.ts`).
 *
 * A file says `const synapseTest = await synapseSuite()`, and then `synapseTest("send does what when", async (synapse) => …)` for each
 * of its tests.
 *
 * @module
 */

import { installOrStub } from "../python_suite.ts";
import { installSynapse, Synapse, type SynapseOptions } from "../../scripts/synapse.ts";

export { until } from "../../scripts/synapse.ts";
export type { RoomEvent, Synapse, SynapseUser } from "../../scripts/synapse.ts";
export { type CliOptions, type CliResult, runCli, StateFolder } from "./cli.ts";

/** What a test does. The homeserver is the file's own and keeps its users and rooms from test to test: make new ones. */
export type SynapseTestBody = (synapse: Synapse, t: Deno.TestContext) => Promise<void>;

/** Registers one test. */
export type SynapseTest = (name: string, body: SynapseTestBody) => void;

/**
 * Prepares the tests of one file. Their Synapse starts with the first test that runs and ends after the last one. A test may stop, kill
 * or suspend it: the next one finds it running.
 *
 * @returns The function that registers the tests.
 */
export async function synapseSuite(options: SynapseOptions = {}): Promise<SynapseTest> {
  const stub = await installOrStub("a real homeserver", installSynapse);
  if (stub !== undefined) return stub;
  const shared = new SharedSynapse(options);
  Deno.test.afterAll(() => shared[Symbol.asyncDispose]());
  return (name, body) => {
    // The process outlives the test that starts it.
    Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: (t) => shared.use(t, body) });
  };
}

/** The one Synapse of a file, made when it is first needed. */
class SharedSynapse implements AsyncDisposable {
  readonly #options: SynapseOptions;
  #started: Promise<Synapse> | undefined;

  constructor(options: SynapseOptions) {
    this.#options = options;
  }

  /** Gives a running homeserver to a test. When the test fails, shows what the homeserver logged last. */
  async use(t: Deno.TestContext, body: SynapseTestBody): Promise<void> {
    this.#started ??= Synapse.start(this.#options);
    const synapse = await this.#started;
    synapse.resumeProcess();
    if (!synapse.running) await synapse.startAgain();
    try {
      await body(synapse, t);
    } catch (error) {
      console.error(`The end of Synapse's log:\n${await synapse.log()}`);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#started)?.[Symbol.asyncDispose]();
  }
}
