/** Paths of files. */

/**
 * Makes a path absolute, so that a program with another working directory finds the same file.
 *
 * @param folder the directory that contains a relative path, with a slash at the end. @default the
 *   working directory of this process
 */
export function absolutePath(path: string, folder?: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${folder ?? `${Deno.cwd()}/`}${path.replace(/^(\.\/+)+/, "")}`;
}
