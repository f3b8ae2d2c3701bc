/**
 * Tests with a real homeserver: one Synapse for each file, and the command line as a real process
 * (`cli.ts`).
 *
 * A file calls `const synapseTest = await synapseSuite()`, then `synapseTest("send does what when",
 * async (synapse) => …)` for each of its tests.
 *
 * @module
 */

import { installOrStub } from "../fakes/installed_suite.ts";
import { installSynapse, Synapse, type SynapseOptions } from "../../scripts/synapse.ts";

export { until } from "../../scripts/synapse.ts";
export type { RoomEvent, Synapse, SynapseUser } from "../../scripts/synapse.ts";
export { type CliOptions, type CliResult, runCli, StateFolder } from "./cli.ts";

/**
 * The body of a test. The homeserver is shared by the tests of a file: create new users and rooms.
 */
export type SynapseTestBody = (synapse: Synapse, t: Deno.TestContext) => Promise<void>;

/** Registers one test. */
export type SynapseTest = (name: string, body: SynapseTestBody) => void;

/** What a file needs besides Synapse. */
export interface SynapseNeeds {
  /**
   * Installs it. An error means that the tests cannot run, as if Synapse itself could not be
   * installed.
   */
  install(): Promise<void>;
  /** Opens it before Synapse starts. Returns the options of Synapse. */
  open(): Promise<SynapseOptions>;
  /** Called with the homeserver that has just started. */
  started(synapse: Synapse): Promise<void>;
}

/**
 * Prepares the tests of one file. Synapse starts with the first test and ends after the last one. A
 * test may stop, kill or suspend it: it runs again for the next one.
 *
 * @returns the function that registers the tests.
 */
export async function synapseSuite(options: SynapseOptions | SynapseNeeds = {}): Promise<SynapseTest> {
  const needs = "open" in options ? options : synapseOnly(options);
  const stub = await installOrStub("a real homeserver", async () => {
    await installSynapse();
    await needs.install();
  });
  if (stub !== undefined) return stub;
  const shared = new SharedSynapse(needs);
  Deno.test.afterAll(() => shared[Symbol.asyncDispose]());
  return (name, body) => {
    // Synapse outlives the test that starts it.
    Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: (t) => shared.use(t, body) });
  };
}

/** The needs of a file that uses Synapse only. */
function synapseOnly(options: SynapseOptions): SynapseNeeds {
  return { install: async () => {}, open: () => Promise.resolve(options), started: async () => {} };
}

/** The Synapse of a file, started when it is first needed. */
class SharedSynapse implements AsyncDisposable {
  readonly #needs: SynapseNeeds;
  #started: Promise<Synapse> | undefined;

  constructor(needs: SynapseNeeds) {
    this.#needs = needs;
  }

  /**
   * Runs a test with a running homeserver. If the test fails, prints the end of the homeserver's
   * log.
   */
  async use(t: Deno.TestContext, body: SynapseTestBody): Promise<void> {
    this.#started ??= this.#start();
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

  async #start(): Promise<Synapse> {
    const synapse = await Synapse.start(await this.#needs.open());
    await this.#needs.started(synapse);
    return synapse;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#started)?.[Symbol.asyncDispose]();
  }
}
