/** What is looked at of a Gotify channel (its API documentation, "version" and "message"). */

import { gotifyServerField } from "../../channels/gotify/channel.ts";
import { secretField } from "../../channels/fields/secret.ts";
import type { ChannelSource } from "../../config/load.ts";
import { NotTheServiceError } from "../../base/errors.ts";
import type { HttpAnswer } from "../../runtime/http.ts";
import { parseJsonObject } from "../../base/fields.ts";
import type { Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { failure, ok } from "../finding.ts";
import { once } from "../once.ts";
import { HTTP_CHECKS, HttpPatient } from "./http.ts";

/** A Gotify channel that is looked at. */
export class GotifyPatient extends HttpPatient {
  /** The answer to a message without a text, which the server refuses: but first it looks at the token. An application may ask it nothing else. */
  readonly emptyMessage: () => Promise<HttpAnswer>;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const { fields } = source;
    const token = secretField(fields, "token", source.context);
    const server = gotifyServerField(fields, source.context);
    super(source, context, { server, hello: { path: "/version" } });
    this.emptyMessage = once(() =>
      this.ask({
        method: "POST",
        path: "/message",
        headers: { "Content-Type": "application/json", "X-Gotify-Key": token.reveal() },
        body: "{}",
      })
    );
  }
}

/** The checks. */
export const GOTIFY_CHECKS: readonly Check<GotifyPatient>[] = [
  ...HTTP_CHECKS,
  {
    name: "server",
    needs: ["connection"],
    async *look(patient) {
      const { host } = new URL(patient.server);
      const { status, text } = await patient.hello();
      const version = parseJsonObject(text)?.version;
      if (status !== 200 || typeof version !== "string") {
        throw new NotTheServiceError(`${host} does not answer like Gotify: ${status}`, { status });
      }
      yield ok(`it is Gotify ${version}`);
    },
  },
  {
    name: "token",
    needs: ["server"],
    async *look({ emptyMessage, server }) {
      const { status, text } = await emptyMessage();
      const { errorCode, errorDescription } = parseJsonObject(text) ?? {};
      if (errorCode !== status) {
        const { host } = new URL(server);
        throw new NotTheServiceError(`${host} does not answer like Gotify: ${status}`, { status });
      }
      if (status === 400) yield ok("the token is an application's, which may send messages");
      else if (status === 401 || status === 403) {
        yield failure(
          "the server does not take the token",
          "put an application's token in its place (in Gotify: Apps); a client's may not send",
        );
      } else yield failure(`the server answered ${status}: ${errorDescription}`, "look into its log");
    },
  },
];
