/** The expected type of the file. */
export interface ExistsOptions {
  /** Whether it must be a directory. */
  isDirectory?: boolean;
  /** Whether it must be a file. */
  isFile?: boolean;
}

/** Whether a file of the expected type exists. */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return matches(await Deno.stat(path), options);
  } catch (error) {
    return orThrow(error);
  }
}

/** Whether a file of the expected type exists. */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return matches(Deno.statSync(path), options);
  } catch (error) {
    return orThrow(error);
  }
}

function matches(info: Deno.FileInfo, { isDirectory, isFile }: ExistsOptions = {}): boolean {
  if (isDirectory && isFile) {
    throw new TypeError("ExistsOptions.isDirectory and ExistsOptions.isFile must not be both true");
  }
  if (isDirectory) return info.isDirectory;
  return isFile ? info.isFile : true;
}

function orThrow(error: unknown): false {
  if (error instanceof Deno.errors.NotFound) return false;
  throw error;
}
