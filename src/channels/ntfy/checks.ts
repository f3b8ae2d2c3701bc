/** The checks of an ntfy channel (ntfy documentation, "Health", "Message priority"). */

import { NotTheServiceError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { type Check, type CheckContext, failure, ok, warning } from "../check.ts";
import { probeServer } from "../http_checks.ts";
import { meaningOf } from "./refusals.ts";
import { authHeaders, type NtfySettings } from "./settings.ts";

const LOGINS = { token: "the token", password: "the user", none: "everyone" } as const;

/** The error code for a priority that does not exist. */
const WRONG_PRIORITY_CODE = 40007;

/** The error code for a topic that ntfy does not allow, such as `docs`. */
const RESERVED_TOPIC_CODE = 40010;

/** Creates the checks. */
export function createChecks(context: CheckContext, settings: NtfySettings): readonly Check[] {
  const { topic, token, password } = settings;
  const login = token !== undefined ? "token" : password !== undefined ? "password" : "none";
  const probe = probeServer(context, settings.server, { path: "/v1/health" });
  return [
    ...probe.checks,
    {
      name: "server",
      needs: ["connection"],
      async *look() {
        const { host } = new URL(probe.server);
        const { status, text } = await probe.firstAnswer();
        const healthy = parseJsonObject(text)?.healthy;
        if (status !== 200 || typeof healthy !== "boolean") {
          throw new NotTheServiceError(`${host} does not answer like ntfy: ${status}`, { status });
        }
        if (healthy) yield ok("it is an ntfy server, and reports that it is healthy");
        else yield failure(`${host} reports that it is not healthy`, "look into the log of the server");
      },
    },
    {
      name: "topic",
      needs: ["server"],
      async *look() {
        // This message is never published, because its priority is not valid. ntfy checks the
        // priority last, after the token, the topic and the permission to write.
        const request = { method: "POST", path: `/${topic}?priority=99`, headers: authHeaders(settings) } as const;
        const { status, text } = await probe.ask(request);
        const { code } = parseJsonObject(text) ?? {};
        const { hint } = meaningOf(code);
        if (code === WRONG_PRIORITY_CODE) yield ok(`${LOGINS[login]} may write to the topic ${topic}`);
        else if (status === 401) {
          const hint = login === "password"
            ? "change the password: ntfy user change-pass"
            : "create a new token: ntfy token add";
          yield failure(`the server rejects ${LOGINS[login]}`, hint);
        } else if (status === 403 && login !== "none") {
          yield failure(`${LOGINS[login]} cannot write to the topic ${topic}`, hint);
        } else if (status === 403) {
          yield failure(
            `the topic ${topic} is protected, and neither a token nor a user is configured`,
            "set tokenFile to a file that contains a token, or use another topic",
          );
        } else if (code === RESERVED_TOPIC_CODE) yield failure(`the server does not allow the topic ${topic}`, hint);
        else if (status === 429) {
          yield warning(
            `the server limits the requests of this host (rate limit): ${status}${
              typeof code === "number" ? ` (${code})` : ""
            }`,
            hint,
          );
        } else throw new NotTheServiceError(`Cannot test the topic ${topic}: the answer was ${status}`, { status });
      },
    },
  ];
}
