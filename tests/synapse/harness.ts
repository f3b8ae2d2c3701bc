/**
 * What the tests with a real homeserver use: one Synapse for a file, and our command line as a real process (`cli.ts`).
 *
 * A file says `const synapseTest = await synapseSuite()`, and then `synapseTest("send does what when", async (synapse) => …)` for each
 * of its tests.
 *
 * @module
 */

import { installOrStub } from "../fakes/python_suite.ts";
import { installSynapse, Synapse, type SynapseOptions } from "../../scripts/synapse.ts";

export { until } from "../../scripts/synapse.ts";
export type { RoomEvent, Synapse, SynapseUser } from "../../scripts/synapse.ts";
export { type CliOptions, type CliResult, runCli, StateFolder } from "./cli.ts";

/** What a test does. The homeserver is the file's own and keeps its users and rooms from test to test: make new ones. */
export type SynapseTestBody = (synapse: Synapse, t: Deno.TestContext) => Promise<void>;

/** Registers one test. */
export type SynapseTest = (name: string, body: SynapseTestBody) => void;

/** What a file needs besides a Synapse. */
export interface SynapseNeeds {
  /** Installs it; what it throws says why the tests cannot run, as when Synapse itself cannot be installed. */
  install(): Promise<void>;
  /** Opens it before Synapse starts, and says how Synapse is to be configured for it. */
  open(): Promise<SynapseOptions>;
  /** Uses the homeserver that has just been started. */
  started(synapse: Synapse): Promise<void>;
}

/**
 * Prepares the tests of one file. Their Synapse starts with the first test that runs and ends after the last one. A test may stop, kill
 * or suspend it: the next one finds it running.
 *
 * @returns The function that registers the tests.
 */
export async function synapseSuite(options: SynapseOptions | SynapseNeeds = {}): Promise<SynapseTest> {
  const needs = "open" in options ? options : synapseAlone(options);
  const stub = await installOrStub("a real homeserver", async () => {
    await installSynapse();
    await needs.install();
  });
  if (stub !== undefined) return stub;
  const shared = new SharedSynapse(needs);
  Deno.test.afterAll(() => shared[Symbol.asyncDispose]());
  return (name, body) => {
    // The process outlives the test that starts it.
    Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: (t) => shared.use(t, body) });
  };
}

/** The needs of a file that wants a Synapse alone. */
function synapseAlone(options: SynapseOptions): SynapseNeeds {
  return { install: async () => {}, open: () => Promise.resolve(options), started: async () => {} };
}

/** The one Synapse of a file, made when it is first needed. */
class SharedSynapse implements AsyncDisposable {
  readonly #needs: SynapseNeeds;
  #started: Promise<Synapse> | undefined;

  constructor(needs: SynapseNeeds) {
    this.#needs = needs;
  }

  /** Gives a running homeserver to a test. When the test fails, shows what the homeserver logged last. */
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
