/** What is looked at of an ntfy channel (its documentation, "Subscribe via polling", "Health"). */

import { serverField } from "../../channels/server_field.ts";
import type { ChannelSource } from "../../config/load.ts";
import { NotTheServiceError } from "../../errors.ts";
import { type HttpAnswer, parseJsonObject } from "../../http.ts";
import type { Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { failure, ok, warning } from "../finding.ts";
import { once } from "../once.ts";
import { HTTP_CHECKS, HttpPatient } from "./http.ts";

/** An ntfy channel that is looked at. */
export class NtfyPatient extends HttpPatient {
  readonly topic: string;
  readonly hasToken: boolean;
  /** The answer to a poll for nothing. */
  readonly poll: () => Promise<HttpAnswer>;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const { fields } = source;
    const token = source.context.secret(fields, "token");
    const server = serverField(fields, "server", source.context);
    super(source, context, { server, hello: { path: "/v1/health" } });
    this.topic = fields.requiredText("topic");
    this.hasToken = token !== undefined;
    this.poll = once(() =>
      this.ask({
        path: `/${this.topic}/json?poll=1&since=none`,
        headers: token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` },
      })
    );
  }
}

/** The checks. */
export const NTFY_CHECKS: readonly Check<NtfyPatient>[] = [
  ...HTTP_CHECKS,
  {
    name: "server",
    needs: ["connection"],
    async *look(patient) {
      const { host } = new URL(patient.server);
      const { status, text } = await patient.hello();
      const healthy = parseJsonObject(text)?.healthy;
      if (status !== 200 || typeof healthy !== "boolean") {
        throw new NotTheServiceError(`${host} does not answer like ntfy: ${status}`, { status });
      }
      if (healthy) yield ok("it is an ntfy server, and says that it is well");
      else yield failure(`${host} says that it is not well`, "look into its log");
    },
  },
  {
    name: "topic",
    needs: ["server"],
    async *look({ poll, topic, hasToken }) {
      const { status } = await poll();
      if (status === 200) yield ok(`${hasToken ? "the token may read" : "everybody may read"} the topic ${topic}`);
      else if (status === 401) {
        yield failure("the server does not take the token", "put a new one in its place: ntfy token add");
      } else if (status === 403 && hasToken) {
        yield warning(
          `the token may not read the topic ${topic}; whether it may write there only a message tells`,
          "run: matrix-notify doctor --send",
        );
      } else if (status === 403) {
        yield warning(
          `the topic ${topic} is not open to everybody, and no token is configured`,
          "name a file that holds a token in tokenFile",
        );
      } else {throw new NotTheServiceError(`The topic ${topic} cannot be looked at: the answer was ${status}`, {
          status,
        });}
    },
  },
];
