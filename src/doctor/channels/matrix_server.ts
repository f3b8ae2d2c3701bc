/** A homeserver: whether it is there, is one, and is the one that the user's domain names. */

import { discoverHomeserver } from "../../matrix/discovery.ts";
import { NotTheServiceError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { parseServerName } from "../../matrix/ids.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Check } from "../check.ts";
import { limitsOf } from "../context.ts";
import { failure, findingOf, ok, warning } from "../finding.ts";
import { describeWay, judgeSkew } from "./address.ts";
import type { MatrixPatient } from "./patient.ts";

/** DNS, TCP, TLS and the proxies in between. */
export const connection: Check<MatrixPatient> = {
  name: "connection",
  needs: ["login"],
  async *look(patient) {
    await patient.versions();
    yield ok(describeWay(patient.client.baseUrl, patient.source.connection(), patient.context.runtime.env));
  },
};

/** Our clock against the server's. */
export const skew: Check<MatrixPatient> = {
  name: "clock",
  needs: ["connection"],
  async *look(patient) {
    const answer = await patient.versions();
    yield judgeSkew(answer, patient.context.runtime.now());
  },
};

/** Whoever answers may be a captive portal, or a homeserver that is too old for us. */
export const versions: Check<MatrixPatient> = {
  name: "versions",
  needs: ["connection"],
  async *look(patient) {
    const { host } = new URL(patient.client.baseUrl);
    const { status, text, headers } = await patient.versions();
    const told = parseJsonObject(text)?.versions;
    if (status !== 200 || !Array.isArray(told)) {
      const kind = headers.get("Content-Type")?.split(";")[0] ?? "of no type";
      throw new NotTheServiceError(`${host} does not answer like a homeserver: ${status}, ${kind}`, { status });
    }
    const stable = told.filter((version) => typeof version === "string" && /^v\d/.test(version));
    const newest = stable.toSorted((a, b) => numberOf(a) - numberOf(b)).at(-1);
    if (newest === undefined) {
      yield failure(
        `${host} speaks no version of the specification from v1.1 on, only ${told.join(", ") || "none at all"}`,
        "update the homeserver",
      );
    } else yield ok(`the specification up to ${newest}`);
  },
};

function numberOf(version: string): number {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  return major * 1000 + minor;
}

/** The channel names its homeserver itself, or has it from a login: what the domain says matters at the next login only. */
export const wellKnown: Check<MatrixPatient> = {
  name: "well-known",
  needs: ["account"],
  async *look(patient) {
    const { userId } = await patient.whoami();
    const domain = parseServerName(userId);
    try {
      const found = await discoverHomeserver(
        patient.client.runtime,
        userId,
        { userAgent: USER_AGENT, insecureHttp: true, ...limitsOf(patient.context) },
      );
      if (new URL(found.baseUrl).host === new URL(patient.client.baseUrl).host) {
        yield ok(`${domain} leads to ${found.baseUrl}`);
        return;
      }
      yield warning(
        `${domain} leads to ${found.baseUrl}, and the channel uses ${patient.client.baseUrl}`,
        `which is right? mend homeserver in the configuration, or https://${domain}/.well-known/matrix/client`,
      );
    } catch (error) {
      if (patient.context.options.signal?.aborted) throw error;
      const { message } = findingOf(error);
      yield warning(
        message,
        `the channel does not need it, but a login without --homeserver does: serve https://${domain}/.well-known/matrix/client`,
      );
    }
  },
};
