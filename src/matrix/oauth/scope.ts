/** What a login asks for (Client-Server API 1.15, "Scope"). */

const API = "urn:matrix:client:api:*";
const DEVICE = "urn:matrix:client:device:";

/**
 * The scope of a session: the whole Client-Server API, on one device.
 *
 * @throws {RangeError} when the device id holds characters that a scope cannot carry
 */
export function matrixScope(deviceId: string): string {
  if (/^[A-Za-z0-9._~-]+$/.test(deviceId)) return `${API} ${DEVICE}${deviceId}`;
  throw new RangeError(`Cannot ask for the device "${deviceId}": a device_id has letters, digits and -._~ only`);
}

/** Says what is missing in the scope that was granted; undefined when all is there. A server that says nothing has granted all (RFC 6749, section 5.1). */
export function missingScope(granted: unknown, asked: string): string | undefined {
  if (granted === undefined) return undefined;
  const tokens = String(granted).split(" ");
  return asked.split(" ").find((token) => !tokens.includes(token));
}
