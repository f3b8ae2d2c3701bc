/** Paths of files. */

/**
 * Makes a path absolute, because a started program does not have the directory of this process.
 *
 * @param folder the directory of a relative path, with a slash at the end @default the directory of
 * this process
 */
export function absolutePath(path: string, folder?: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${folder ?? `${Deno.cwd()}/`}${path.replace(/^(\.\/+)+/, "")}`;
}
