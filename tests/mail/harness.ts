/**
 * Tests with a real Postfix or Exim: one server for each file, with its own configuration, on the
 * loopback interface.
 *
 * A file calls `const postfixTest = await mailSuite(() => startPostfix())`, then
 * `postfixTest("send() does what when", async (postfix) => …)` for each of its tests.
 *
 * @module
 */

import { installMailPackages } from "../../scripts/mail/install.ts";
import type { MailServer } from "../../scripts/mail/server.ts";
import { classify, type Failure } from "../../src/delivery/classify.ts";
import { type ChannelTest, openChannel } from "../channels/harness.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** Registers one test. The server is shared by the tests of a file. */
export type MailTest = (name: string, body: (server: MailServer) => Promise<void>) => void;

/** The certificate authority of the servers. */
export const AUTHORITY: string = new URL("../fakes/tls/authority.pem", import.meta.url).pathname;

/**
 * Prepares the tests of one file. The server starts with the first test and ends after the last
 * one. If a test fails, the end of its log is printed.
 */
export async function mailSuite(start: () => Promise<MailServer>): Promise<MailTest> {
  const stub = await installOrStub("a real mail server", installMailPackages);
  if (stub !== undefined) return stub;
  let started: Promise<MailServer> | undefined;
  Deno.test.afterAll(async () => await (await started)?.[Symbol.asyncDispose]());
  return (name, body) => {
    const fn = async () => {
      started ??= start();
      const server = await started;
      try {
        await body(server);
      } catch (error) {
        console.error(`The end of the server's log:\n${await server.log()}`);
        throw error;
      }
    };
    // The server outlives the test that starts it.
    Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn });
  };
}

/** Opens an email channel for a server. */
export function openEmail(port: number, config: Readonly<Record<string, unknown>> = {}): ChannelTest {
  const { security = "none" } = config;
  const authority = security === "none" ? {} : { caFile: AUTHORITY };
  const addresses = { from: "jump@example.test", to: "root@example.test" };
  return openChannel(
    "email",
    { server: "127.0.0.1", port, security, ...authority, ...addresses, ...config },
    fakeRuntime(),
  );
}

/** Sends a notification that the server must refuse, and returns the failure. */
export async function refusal(
  channel: ChannelTest,
  options: Parameters<ChannelTest["send"]>[1] = {},
): Promise<Failure> {
  try {
    await channel.send({ subject: "Up", message: "Text" }, options);
  } catch (error) {
    return classify(error);
  }
  throw new Error("Cannot test a refusal: the server accepted the mail");
}
