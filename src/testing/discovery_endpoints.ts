/** Endpoints that say what the server is and who is asking. */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import type { HomeserverSoftware } from "./homeserver_types.ts";
import type { Ask, TokenAsk, World } from "./world.ts";

const SERVER_VERSIONS: Readonly<Record<HomeserverSoftware, string>> = {
  Synapse: "1.163.2",
  Dendrite: "0.15.2",
  Conduit: "0.10.0",
};

export function versions({ software }: World): Answer {
  const last = { Synapse: 15, Dendrite: 2, Conduit: 5 }[software];
  const stable = Array.from({ length: last }, (_, index) => `v1.${index + 1}`);
  return jsonAnswer(200, { versions: ["r0.0.1", "r0.5.0", "r0.6.1", ...stable], unstable_features: {} });
}

export function wellKnown({ software }: World, { host }: Ask): Answer {
  const slash = software === "Synapse" ? "/" : "";
  return jsonAnswer(200, { "m.homeserver": { base_url: `http://${host}${slash}` } });
}

export function federationVersion({ software }: World): Answer {
  return jsonAnswer(200, { server: { name: software, version: SERVER_VERSIONS[software] } });
}

export function authMetadata({ delegation }: World): Answer {
  if (delegation !== undefined) return jsonAnswer(200, delegation.metadata);
  return matrixError(404, "M_UNRECOGNIZED", "Unrecognized request");
}

export function whoami(_world: World, { token }: TokenAsk): Answer {
  const { userId, deviceId } = token;
  return jsonAnswer(200, { user_id: userId, is_guest: false, ...deviceId !== undefined && { device_id: deviceId } });
}
