import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "../../src/base/duration.ts";

Deno.test("parseDuration() parses durations as people write them", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["15m", 900_000],
    ["15min", 900_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    [" 14 d ", 1_209_600_000],
    ["2w", 1_209_600_000],
    ["", undefined],
    ["30", undefined],
    ["s", undefined],
    ["-5s", undefined],
    ["5 apples", undefined],
    ["1h x", undefined],
  ];
  for (const [text, ms] of cases) assertEquals(parseDuration(text), ms, text);
});

Deno.test("formatDuration() writes the two largest units", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [-5, "0 ms"],
    [850, "850 ms"],
    [1000, "1 s"],
    [59_999, "1 min"],
    [125_000, "2 min 5 s"],
    [7_500_000, "2 h 5 min"],
    [259_200_000, "3 d"],
    [262_800_000, "3 d 1 h"],
  ];
  for (const [ms, text] of cases) assertEquals(formatDuration(ms), text);
});
