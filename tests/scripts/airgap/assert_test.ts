/**
 * Tests what we use of `@std/assert`: in the library itself or in its stand-in, depending on the
 * configuration of Deno.
 */

import {
  assert,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { assertEquals as assertEqualsAlone } from "@std/assert/equals";

/** Says whether an assertion fails; does not rely on the assertions under test. */
function failure(run: () => unknown): AssertionError | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function expectBites(passes: () => unknown, fails: () => unknown): void {
  expect(failure(passes) === undefined, `Failed though it should pass: ${passes}`);
  const error = failure(fails);
  expect(error !== undefined, `Passed though it should fail: ${fails}`);
  expect(error?.name === "AssertionError", "An assertion threw an error of another name");
}

const EQUAL: readonly (readonly [unknown, unknown])[] = [
  [1, 1],
  [NaN, NaN],
  [0, -0],
  [null, null],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }],
  [{ a: [1, { b: "c" }] }, { a: [1, { b: "c" }] }],
  [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Uint8Array([9, 1, 2]).subarray(1), new Uint8Array([1, 2])],
  [new Date(5), new Date(5)],
  [/a/g, /a/g],
  [new URL("https://a/b"), new URL("https://a/b")],
  [new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]])],
  [new Set([1, 2]), new Set([2, 1])],
  [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
  [Symbol.iterator, Symbol.iterator],
];

const UNEQUAL: readonly (readonly [unknown, unknown])[] = [
  [1, 2],
  [1, "1"],
  [null, undefined],
  [0, NaN],
  [{}, { a: undefined }],
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { b: 1 }],
  [[1, 2], [2, 1]],
  [[1], [1, 2]],
  [[1, 2], { 0: 1, 1: 2 }],
  [new Uint8Array([1]), new Uint8Array([2])],
  [new Uint8Array([1]), [1]],
  [new Uint8Array([1]), new Uint16Array([1])],
  [new Date(5), new Date(6)],
  [/a/g, /a/],
  [new URL("https://a/b"), new URL("https://a/c")],
  [new Map([["a", 1]]), new Map([["a", 2]])],
  [new Set([1]), new Set([2])],
  [new Error("a"), new TypeError("a")],
  [() => 1, () => 1],
];

Deno.test("assertEquals() accepts only deeply equal values", () => {
  for (const [a, b] of EQUAL) {
    expectBites(() => assertEquals(a, b), () => assertNotEquals(a, b));
    expectBites(() => assertEquals(b, a), () => assertNotEquals(b, a));
  }
  for (const [a, b] of UNEQUAL) {
    expectBites(() => assertNotEquals(a, b), () => assertEquals(a, b));
    expectBites(() => assertNotEquals(b, a), () => assertEquals(b, a));
  }
});

Deno.test("assertEquals() accepts equal objects that contain themselves", () => {
  const loop = () => {
    const value: Record<string, unknown> = { a: 1 };
    value.self = value;
    return value;
  };
  assertEquals(loop(), loop());
});

Deno.test("assertEquals() prints the difference and the note of the test", () => {
  const error = failure(() => assertEquals({ room: "!a", n: 1 }, { room: "!b", n: 1 }, "of the outcome"));
  for (const text of ["of the outcome", "!a", "!b"]) {
    expect(error?.message.includes(text) ?? false, `"${text}" is missing`);
  }
});

Deno.test("assertEquals() is also exported under its own subpath", () => {
  expect(assertEqualsAlone === assertEquals, "The subpath leads to another function");
});

Deno.test("assertStrictEquals() accepts only the same object or primitive", () => {
  const object = {};
  expectBites(() => assertStrictEquals(object, object), () => assertStrictEquals({}, {}));
  expectBites(() => assertStrictEquals("a", "a"), () => assertStrictEquals("a", "b"));
  expectBites(() => assertStrictEquals(NaN, NaN), () => assertStrictEquals(0, -0));
});

Deno.test("assert(), assertExists() and fail() throw", () => {
  expectBites(() => assert(1), () => assert(0));
  expectBites(() => assertExists(""), () => assertExists(null));
  expectBites(() => assertExists(0), () => assertExists(undefined));
  expectBites(() => {}, () => fail("here"));
  expect(failure(() => assert(false, "because"))?.message === "because", "assert() lost its message");
  expect(failure(() => fail("here"))?.message.includes("here") ?? false, "fail() lost its message");
});

Deno.test("assertMatch(), assertNotMatch() and assertStringIncludes() throw", () => {
  expectBites(() => assertMatch("abc", /b/), () => assertMatch("abc", /d/));
  expectBites(() => assertNotMatch("abc", /d/), () => assertNotMatch("abc", /b/));
  expectBites(() => assertStringIncludes("abc", "bc"), () => assertStringIncludes("abc", "cb"));
});

Deno.test("assertGreater(), assertLess() and their relatives throw", () => {
  expectBites(() => assertGreater(2, 1), () => assertGreater(1, 1));
  expectBites(() => assertGreaterOrEqual(1, 1), () => assertGreaterOrEqual(1, 2));
  expectBites(() => assertLess(1, 2), () => assertLess(1, 1));
  expectBites(() => assertLessOrEqual(1, 1), () => assertLessOrEqual(2, 1));
  expectBites(() => assertLess("a", "b"), () => assertLess(NaN, 1));
});

Deno.test("assertInstanceOf() throws, and narrows the type", () => {
  expectBites(() => assertInstanceOf(new TypeError(), Error), () => assertInstanceOf({}, Error));
  expectBites(() => {}, () => assertInstanceOf(null, Date));
  const value: unknown = new Date(5);
  assertInstanceOf(value, Date);
  const time: number = value.getTime();
  expect(time === 5, "The value changed");
});

Deno.test("assertThrows() returns the error, and throws if it is missing or has another class or message", () => {
  const thrower = () => {
    throw new RangeError("Cannot count: too far");
  };
  const error: RangeError = assertThrows(thrower, RangeError, "too far");
  expect(error.message === "Cannot count: too far", "Another error came back");
  expect(assertThrows(thrower) instanceof RangeError, "Another error came back");
  expectBites(() => assertThrows(thrower, Error), () => assertThrows(() => {}));
  expectBites(() => assertThrows(thrower, "a note"), () => assertThrows(thrower, SyntaxError));
  expectBites(() => assertThrows(thrower, RangeError, "Cannot"), () => assertThrows(thrower, RangeError, "can not"));
});

Deno.test("assertRejects() returns the error, and rejects if it is missing or has another class or message", async () => {
  const rejecter = () => Promise.reject(new RangeError("Cannot count: too far"));
  const error: RangeError = await assertRejects(rejecter, RangeError, "too far");
  expect(error.message === "Cannot count: too far", "Another error came back");
  expect(await assertRejects(rejecter) instanceof RangeError, "Another error came back");
  const failing = [
    () => assertRejects(() => Promise.resolve()),
    () => assertRejects(rejecter, SyntaxError),
    () => assertRejects(rejecter, RangeError, "can not"),
    () =>
      assertRejects(() => {
        throw new RangeError("Too early");
      }),
  ];
  for (const run of failing) {
    const outcome = await run().then(() => undefined, (error: unknown) => error);
    expect(outcome instanceof AssertionError, `Passed though it should fail: ${run}`);
  }
});
