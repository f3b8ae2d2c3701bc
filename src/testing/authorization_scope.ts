/** The scopes of Matrix (Client-Server API 1.15, "Scope"), as strict as a server may be. */

const API = "urn:matrix:client:api:*";
const DEVICE = "urn:matrix:client:device:";

/** The device that a scope asks for, or what is wrong with the scope. */
export function readScope(scope: string | undefined): { readonly deviceId: string } | { readonly problem: string } {
  if (scope === undefined) return { problem: "scope is missing" };
  const tokens = scope.split(" ");
  const [device, ...more] = tokens.filter((token) => token.startsWith(DEVICE));
  if (device === undefined || more.length > 0) return { problem: "there must be exactly one device in the scope" };
  if (!tokens.includes(API)) return { problem: `${API} is missing` };
  const unknown = tokens.find((token) => token !== API && token !== device);
  if (unknown !== undefined) return { problem: `${unknown === "" ? "an empty token" : unknown} is no known scope` };
  const deviceId = device.slice(DEVICE.length);
  if (/^[A-Za-z0-9._~-]{10,}$/.test(deviceId)) return { deviceId };
  return { problem: "a device id has ten unreserved characters or more" };
}
