/** What is looked at of an ntfy channel (its documentation, "Subscribe via polling", "Health"). */

import { serverField } from "../../channels/server_field.ts";
import { over } from "../../config/connection.ts";
import type { ChannelSource } from "../../config/load.ts";
import { NotTheServiceError } from "../../errors.ts";
import { exchange, type HttpAnswer, parseJsonObject } from "../../http.ts";
import { USER_AGENT } from "../../version.ts";
import type { Check } from "../check.ts";
import { type DoctorContext, limitsOf } from "../context.ts";
import { failure, ok, warning } from "../finding.ts";
import { once } from "../once.ts";
import { describeWay, judgeSkew } from "./address.ts";

/** An ntfy channel that is looked at. */
export class NtfyPatient {
  readonly source: ChannelSource;
  readonly context: DoctorContext;
  readonly server: string;
  readonly topic: string;
  readonly hasToken: boolean;
  /** The answer about the server's health. */
  readonly health: () => Promise<HttpAnswer>;
  /** The answer to a poll for nothing. */
  readonly poll: () => Promise<HttpAnswer>;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const { fields } = source;
    const runtime = over(context.runtime, source.connection());
    const token = source.context.secret(fields, "token");
    this.source = source;
    this.context = context;
    this.server = serverField(fields, "server", source.context);
    this.topic = fields.requiredText("topic");
    this.hasToken = token !== undefined;
    const get = (path: string, headers: Readonly<Record<string, string>>) =>
      exchange(runtime, {
        method: "GET",
        url: this.server + path,
        headers: { "User-Agent": USER_AGENT, ...headers },
        ...limitsOf(context),
      });
    this.health = once(() => get("/v1/health", {}));
    this.poll = once(() =>
      get(
        `/${this.topic}/json?poll=1&since=none`,
        token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` },
      )
    );
  }
}

/** The checks. */
export const NTFY_CHECKS: readonly Check<NtfyPatient>[] = [
  {
    name: "connection",
    async *look(patient) {
      await patient.health();
      yield ok(describeWay(patient.server, patient.source.connection(), patient.context.runtime.env));
    },
  },
  {
    name: "clock",
    needs: ["connection"],
    async *look(patient) {
      yield judgeSkew(await patient.health(), patient.context.runtime.now());
    },
  },
  {
    name: "server",
    needs: ["connection"],
    async *look(patient) {
      const { host } = new URL(patient.server);
      const { status, text } = await patient.health();
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
