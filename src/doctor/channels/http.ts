/** What is looked at of every channel that speaks HTTP, before its server is asked anything of its own. */

import { withConnection } from "../../config/connection.ts";
import type { ChannelSource } from "../../config/load.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "../../runtime/http.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Check } from "../check.ts";
import { type DoctorContext, limitsOf } from "../context.ts";
import { ok } from "../finding.ts";
import { once } from "../once.ts";
import { describeWay, judgeSkew } from "./address.ts";

/** A question to the server. */
export interface Question extends Pick<HttpRequest, "headers" | "body"> {
  readonly method?: HttpRequest["method"];
  /** Its path, and its query. */
  readonly path: string;
}

/** Any answer to it shows that the server is there. Many answer it with a refusal, and none does anything. */
export const KNOCK: Question = { method: "HEAD", path: "/" };

/** A channel that is looked at. */
export class HttpPatient {
  readonly source: ChannelSource;
  readonly context: DoctorContext;
  /** Requests go over the channel's own connection. */
  readonly runtime: Runtime;
  /** The server's address, without a slash at its end. */
  readonly server: string;
  /** The answer to the first question. @throws what an exchange throws */
  readonly hello: () => Promise<HttpAnswer>;

  /**
   * @param hello the question that any server of its kind answers to anybody
   * @throws {ConfigError} when the channel's connection cannot be used
   */
  constructor(source: ChannelSource, context: DoctorContext, { server, hello }: HttpPatientOptions) {
    this.source = source;
    this.context = context;
    this.runtime = withConnection(context.runtime, source.connection());
    this.server = server;
    this.hello = once(() => this.ask(hello));
  }

  /** Asks the server. @throws what an exchange throws */
  ask({ method = "GET", path, headers, body }: Question): Promise<HttpAnswer> {
    return exchange(this.runtime, {
      method,
      url: this.server + path,
      headers: { "User-Agent": USER_AGENT, ...headers },
      body,
      ...limitsOf(this.context),
    });
  }
}

/** What a patient is, besides its configuration. */
export interface HttpPatientOptions {
  readonly server: string;
  readonly hello: Question;
}

/** The checks. */
export const HTTP_CHECKS: readonly Check<HttpPatient>[] = [
  {
    name: "connection",
    async *look({ hello, server, source, context }) {
      await hello();
      yield ok(describeWay(server, source.connection(), context.runtime.env));
    },
  },
  {
    name: "clock",
    needs: ["connection"],
    async *look({ hello, context }) {
      yield judgeSkew(await hello(), context.runtime.now());
    },
  },
];
