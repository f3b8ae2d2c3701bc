import { assertEquals, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { mapFileErrors, unreadableState } from "../../src/runtime/file_errors.ts";

/** Opens a file, and returns the error. The tests run without all permissions of Deno. */
function errorOf(path: string): unknown {
  try {
    Deno.openSync(path).close();
  } catch (error) {
    return error;
  }
  throw new Error(`Cannot test ${path}: it can be opened`);
}

Deno.test("unreadableState() explains how to read a file that Deno does not open", () => {
  assertEquals(
    unreadableState(errorOf("/proc/meminfo")),
    "Deno does not open files in /proc, /sys and /dev; use standard input (< /proc/meminfo), or a copy of the file",
  );
  assertEquals(unreadableState(errorOf("/no/such/file")), "there is no such file");
});

Deno.test("mapFileErrors() asks for another directory when Deno does not open the path", () => {
  const error = assertThrows(() => mapFileErrors("read it", () => Deno.openSync("/dev/shm/x")), StorageError);
  assertEquals([error.message, error.hint], [
    "Cannot read it: Deno does not open files in /proc, /sys and /dev",
    "use another directory: Deno opens /dev/shm/x only with --allow-all",
  ]);
});

Deno.test("mapFileErrors() distinguishes a read-only file system from a missing permission", () => {
  const codeOf = (error: Error) =>
    assertThrows(() =>
      mapFileErrors("write it", () => {
        throw error;
      }), StorageError).code;
  const readOnly = Object.assign(new Error("Read-only file system (os error 30)"), { code: "EROFS" });
  assertEquals(codeOf(readOnly), "read-only");
  assertEquals(codeOf(new Deno.errors.PermissionDenied("Permission denied (os error 13)")), "permission-denied");
});
