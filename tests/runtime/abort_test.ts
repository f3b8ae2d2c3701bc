import { assert, assertEquals } from "@std/assert";
import { eitherSignal } from "../../src/runtime/abort.ts";

Deno.test("eitherSignal() aborts with either signal, and is the same for the same signals", () => {
  const [caller, limit, other] = [1, 2, 3].map(() => new AbortController());
  const either = eitherSignal(caller.signal, limit.signal);
  assertEquals(eitherSignal(undefined, limit.signal), limit.signal);
  assert(eitherSignal(caller.signal, limit.signal) === either);
  assert(eitherSignal(other.signal, limit.signal) !== either);
  assert(eitherSignal(caller.signal, other.signal) !== either);
  caller.abort("stopped");
  assertEquals([either.aborted, either.reason, eitherSignal(other.signal, limit.signal).aborted], [
    true,
    "stopped",
    false,
  ]);
  limit.abort("late");
  assertEquals(eitherSignal(other.signal, limit.signal).reason, "late");
});
