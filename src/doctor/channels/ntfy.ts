/** What is looked at of an ntfy channel (its documentation, "Subscribe via polling", "Health"). */

import { authField } from "../../channels/ntfy/auth.ts";
import { serverField } from "../../channels/fields/server.ts";
import type { ChannelSource } from "../../config/load.ts";
import { NotTheServiceError } from "../../base/errors.ts";
import type { HttpAnswer } from "../../runtime/http.ts";
import { parseJsonObject } from "../../base/fields.ts";
import type { Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { failure, ok, warning } from "../finding.ts";
import { once } from "../once.ts";
import { HTTP_CHECKS, HttpPatient } from "./http.ts";

/** An ntfy channel that is looked at. */
export class NtfyPatient extends HttpPatient {
  readonly topic: string;
  /** As what we come; undefined where nothing of the kind is configured. */
  readonly login: "token" | "password" | undefined;
  /** The answer to a poll for nothing. */
  readonly poll: () => Promise<HttpAnswer>;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor(source: ChannelSource, context: DoctorContext) {
    const { fields } = source;
    const auth = authField(fields, source.context);
    const server = serverField(fields, "server", source.context);
    super(source, context, { server, hello: { path: "/v1/health" } });
    this.topic = fields.requiredText("topic");
    this.login = auth && (fields.text("user") === undefined ? "token" : "password");
    this.poll = once(() =>
      this.ask({
        path: `/${this.topic}/json?poll=1&since=none`,
        headers: auth?.(),
      })
    );
  }
}

const LOGINS = { token: "the token", password: "the user", none: "everybody" } as const;

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
    async *look({ poll, topic, login }) {
      const { status } = await poll();
      if (status === 200) yield ok(`${LOGINS[login ?? "none"]} may read the topic ${topic}`);
      else if (status === 401) {
        yield failure(
          `the server does not take ${LOGINS[login ?? "none"]}`,
          login === "password"
            ? "mend user and password: ntfy user change-pass"
            : "put a new one in its place: ntfy token add",
        );
      } else if (status === 403 && login !== undefined) {
        yield warning(
          `${LOGINS[login]} may not read the topic ${topic}; whether it may write there only a message tells`,
          "run: matrix-notify doctor --send",
        );
      } else if (status === 403) {
        yield warning(
          `the topic ${topic} is not open to everybody, and neither a token nor a user is configured`,
          "name a file that holds a token in tokenFile",
        );
      } else {throw new NotTheServiceError(`The topic ${topic} cannot be looked at: the answer was ${status}`, {
          status,
        });}
    },
  },
];
