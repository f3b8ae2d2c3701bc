/** Reads the texts of all files in a directory and its subdirectories. Skips pipes and sockets. */
export function readAllFiles(folder: string): string {
  return Array.from(Deno.readDirSync(folder), ({ name, isDirectory, isFile }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? readAllFiles(path) : isFile ? Deno.readTextFileSync(path) : "";
  }).join("\n");
}
