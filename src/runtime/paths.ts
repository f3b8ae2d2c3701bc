/** Makes paths absolute, limits their length, and checks what exists at a path. */

/**
 * Makes a path absolute, so that a program with another working directory finds the same file.
 *
 * @param folder the directory that contains a relative path, with a slash at the end. @default the
 *   working directory of this process
 */
export function absolutePath(path: string, folder?: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${folder ?? `${Deno.cwd()}/`}${path.replace(/^(\.\/+)+/, "")}`;
}

/** Returns true if a file exists and Deno allows this process to access the file. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Reads a regular file. Returns undefined if the file does not exist or cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.statSync(path).isFile ? Deno.readTextFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes a path absolute, so that it can be saved for later runs. A link is kept, because its target
 * can change: certbot points the same link to each new certificate. In a path with `..`, links to
 * directories are resolved.
 *
 * @throws {Deno.errors.NotFound} if the path contains `..`, and its directory does not exist
 */
export function lastingPath(path: string): string {
  const whole = absolutePath(path);
  if (!whole.split("/").includes("..")) return whole;
  if (whole.endsWith("/..")) return Deno.realPathSync(whole);
  const end = whole.lastIndexOf("/");
  return `${Deno.realPathSync(whole.slice(0, end))}${whole.slice(end)}`;
}

/** How much longer the temporary name of a new socket is than its path, in bytes. */
export const TEMPORARY_SOCKET_BYTES = 7;

/**
 * Returns the longest path of a socket, in bytes: the size of `sun_path` without its zero byte
 * (unix(7), and unix(4) of macOS).
 */
export function maxSocketBytes(os: string = Deno.build.os): number {
  return os === "linux" ? 107 : 103;
}

/** Returns the longest path of a socket of `serve`, in bytes. Its temporary name must fit too. */
export function maxServerSocketBytes(os?: string): number {
  return maxSocketBytes(os) - TEMPORARY_SOCKET_BYTES;
}
