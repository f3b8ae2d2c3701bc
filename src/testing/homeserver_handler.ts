/** From a request to the endpoint that answers it. */

import { type Answer, matrixError } from "./answer.ts";
import { type JsonBody, readJsonBody } from "./content.ts";
import { HOMESERVER_ROUTES, type HomeserverRouteName } from "./homeserver_routes.ts";
import { matchRoute } from "./routes.ts";
import type { Call } from "./server.ts";
import type { World } from "./world.ts";

const NO_BODY: JsonBody = { text: "", value: {} };

/** The name of the endpoint at a path; undefined where there is none. */
export function route(method: string, path: string): HomeserverRouteName | undefined {
  const match = matchRoute(HOMESERVER_ROUTES, method, path);
  return match.kind === "route" ? match.route.name : undefined;
}

/** Answers a request, behind the checks that all endpoints share, in the order of the real servers: the path, the method, the token, the body. */
export async function handle(world: World, call: Call): Promise<Answer> {
  const match = matchRoute(HOMESERVER_ROUTES, call.method, call.path);
  if (match.kind === "unknown") return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  if (match.kind === "wrong-method") return matrixError(405, "M_UNRECOGNIZED", "Unrecognized request");
  const { route, params } = match;
  if (route.undelegated && world.delegation !== undefined) {
    return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
  }
  const query = new URLSearchParams(call.query);
  if (route.access === "open" || !route.ownPace) await call.ready();
  const token = route.access === "token" ? world.accounts.authenticate(call.headers, query) : undefined;
  if (token !== undefined && "status" in token) return token;
  const { headers, bytes, ready, pause } = call;
  const hasJson = route.method !== "GET" && !(route.access === "token" && route.takesFile);
  const body = hasJson ? readJsonBody(bytes, world.software) : NO_BODY;
  if ("status" in body) return body;
  const ask = { params, query, host: headers.get("host") ?? "", headers, body, bytes, ready, pause };
  if (route.access === "open") return route.run(world, ask);
  if (token === undefined) throw new Error(`Cannot run ${route.name}: no token was looked up`);
  return await route.run(world, { ...ask, token });
}
